/**
 * 100,000 mutated answers against a real media worker: `bun test/bench/sdp-fuzz.ts [SEED]`. The
 * worker is looked at after each thousand. Some minutes.
 */

import { realClock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import { createMediasoupEngine } from "../../src/infra/media/mediasoup.ts";
import { drawPort } from "../fixtures/executable.ts";
import { workerPath } from "../fixtures/media-worker.ts";
import { fuzzWorker } from "../fixtures/sdp-fuzz-worker.ts";

const ROUNDS = 100_000;
const BATCH = 1_000;

const seed = Number(Bun.argv[2] ?? "20240110");
const engine = createMediasoupEngine(
  {
    workers: 1,
    port: drawPort(),
    listenIp: "127.0.0.1",
    announcedAddresses: [],
    workerPath: workerPath(),
  },
  { log: silentLog(), clock: realClock() },
);
await engine.start();
const startedAt = performance.now();
const outcome = await fuzzWorker(engine, {
  seed,
  rounds: ROUNDS,
  batch: BATCH,
  onBatch: (done) => done % 10_000 === 0 && console.log(`${done} answers, the worker lives`),
});
const seconds = ((performance.now() - startedAt) / 1_000).toFixed(0);
const memory = ((await engine.memoryBytes()) / 1e6).toFixed(0);
const { read, produced, refused } = outcome;
console.log(`seed ${seed}: ${ROUNDS} answers in ${seconds} s, ${read} read`);
console.log(`${produced} producers made, ${refused} requests refused; worker memory ${memory} MB`);
await engine.close();
