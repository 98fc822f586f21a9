/** Whether a media port answers: ICE connectivity checks against a transport made for the purpose. */

import { createHash } from "node:crypto";
import { createSocket } from "node:dgram";
import { connect } from "node:net";
import type { Clock, Timer } from "../../base/clock.ts";
import { LIMITS } from "../../base/limits.ts";
import {
  type BindingAnswer,
  type BindingRequest,
  readBindingAnswer,
  writeBindingRequest,
} from "../../tools/stun.ts";
import type { Reachability } from "./engine.ts";
import { transportParameters } from "./parameters.ts";
import type { WorkerProcess } from "./workers.ts";

export interface ProbeTarget {
  readonly address: string;
  readonly port: number;
  readonly protocol: "udp" | "tcp";
  /** The server's, of the transport that is asked. */
  readonly usernameFragment: string;
  readonly password: string;
  readonly timeoutMs: number;
}

export type ProbeResult =
  | { readonly ok: true; readonly rttMs: number }
  | { readonly ok: false; readonly reason: string };

/** Requests are repeated over UDP: one lost packet says nothing about a port. */
const UDP_REPEAT_MS = 250;

/** Priority of a peer-reflexive candidate (RFC 8445, section 5.1.2): what a check announces. */
const PRFLX_PRIORITY = 0x6eff_ffff;

/** Framing of STUN on a stream: a length of two bytes before each message (RFC 4571). */
const FRAME_HEADER_BYTES = 2;

const PROBE_FRAGMENT = "probe";

/** Asks once, in every outcome within `timeoutMs`. Never throws. */
export function probe(target: ProbeTarget, clock: Clock): Promise<ProbeResult> {
  const { usernameFragment, password, address, port, protocol } = target;
  // Derived from the password of a transport that lives for this one check: not to be guessed.
  const digest = createHash("sha256").update(`${password} ${protocol} ${address} ${port}`).digest();
  const request: BindingRequest = {
    transactionId: digest.subarray(0, 12),
    username: `${usernameFragment}:${PROBE_FRAGMENT}`,
    password,
    priority: PRFLX_PRIORITY,
  };
  return new Promise((resolve) => {
    const sentAt = clock.monotonic();
    let timer: Timer | undefined;
    let stop: (() => void) | undefined;
    let done = false;
    const finish = (result: ProbeResult) => {
      if (done) return;
      done = true;
      timer?.clear();
      stop?.();
      resolve(result);
    };
    const wire: Wire = {
      request: writeBindingRequest(request),
      clock,
      fail: (reason) => finish({ ok: false, reason }),
      receive(message) {
        const answer = readBindingAnswer(message, request);
        if (answer.kind === "success") finish({ ok: true, rttMs: clock.monotonic() - sentAt });
        else if (answer.kind !== "other") finish({ ok: false, reason: refusal(answer) });
      },
    };
    timer = clock.after(target.timeoutMs, () =>
      finish({ ok: false, reason: `no answer within ${target.timeoutMs} ms` }),
    );
    stop = protocol === "udp" ? askUdp(target, wire) : askTcp(target, wire);
    if (done) stop();
  });
}

/** Probes every candidate of a transport that is made in this worker and closed after. */
export async function checkReachability(
  { worker, server }: WorkerProcess,
  { addresses, clock }: { addresses: readonly string[]; clock: Clock },
): Promise<Reachability[]> {
  const router = await worker.createRouter();
  try {
    const transport = await router.createWebRtcTransport({ webRtcServer: server });
    const { ice, candidates } = transportParameters(transport, addresses);
    const checks = candidates.map(async ({ address, port, protocol }) => {
      const where = { address, port, protocol };
      const target = { ...where, ...ice, timeoutMs: LIMITS.reachabilityProbeMs };
      return { ...where, ...(await probe(target, clock)) };
    });
    return await Promise.all(checks);
  } finally {
    router.close();
  }
}

interface Wire {
  readonly request: Uint8Array;
  readonly clock: Clock;
  readonly fail: (reason: string) => void;
  readonly receive: (message: Uint8Array) => void;
}

function refusal(answer: BindingAnswer): string {
  if (answer.kind === "error") return `refused with STUN error ${answer.code}`;
  return "answered by something else: wrong message integrity";
}

/** Returns what ends it. */
function askUdp({ address, port }: ProbeTarget, wire: Wire): () => void {
  const socket = createSocket(address.includes(":") ? "udp6" : "udp4");
  const send = () => {
    socket.send(wire.request, port, address, (error) => {
      if (error) wire.fail(cause(error));
    });
  };
  socket.on("error", (error) => wire.fail(cause(error)));
  socket.on("message", wire.receive);
  send();
  const repeat = wire.clock.every(UDP_REPEAT_MS, send);
  return () => {
    repeat.clear();
    socket.close();
  };
}

/** Returns what ends it. */
function askTcp({ address, port }: ProbeTarget, wire: Wire): () => void {
  const socket = connect({ host: address, port });
  let received: Buffer = Buffer.alloc(0);
  socket.on("error", (error) => wire.fail(cause(error)));
  socket.on("close", () => wire.fail("closed without an answer"));
  socket.on("connect", () => {
    const frame = Buffer.alloc(FRAME_HEADER_BYTES + wire.request.length);
    frame.writeUInt16BE(wire.request.length, 0);
    frame.set(wire.request, FRAME_HEADER_BYTES);
    socket.write(frame);
  });
  socket.on("data", (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
    if (received.length < FRAME_HEADER_BYTES) return;
    // One message answers one request: what follows it is not waited for, nor kept.
    const end = FRAME_HEADER_BYTES + received.readUInt16BE(0);
    if (received.length >= end) wire.receive(received.subarray(FRAME_HEADER_BYTES, end));
  });
  return () => socket.destroy();
}

function cause(error: Error): string {
  const code: unknown = Reflect.get(error, "code");
  if (code === "ECONNREFUSED") return "connection refused";
  return typeof code === "string" ? code : error.message;
}
