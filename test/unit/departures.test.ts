/** Answers leave together at the end of a turn, but none waits long for others. */

import { expect, test } from "bun:test";
import { LIMITS } from "../../src/base/limits.ts";
import { Departures } from "../../src/wires/http/departures.ts";

function stage() {
  let now = 0;
  const departures = new Departures({ monotonic: () => now });
  const left: string[] = [];
  return {
    left,
    pass: (ms: number) => {
      now += ms;
    },
    answer: (name: string) => void departures.together().then(() => left.push(name)),
  };
}

const microtasks = async () => {
  for (let n = 0; n < 5; n++) await Promise.resolve();
};
const turn = () => new Promise<void>((next) => setImmediate(next));

test("the answers of a turn wait for its end and keep their order", async () => {
  const { left, answer } = stage();
  answer("a");
  await microtasks();
  answer("b");
  await microtasks();
  expect(left).toEqual([]);
  await turn();
  expect(left).toEqual(["a", "b"]);
  answer("c");
  expect(left).toEqual(["a", "b"]);
  await turn();
  expect(left).toEqual(["a", "b", "c"]);
});

test("a long turn lets them go in between", async () => {
  const { left, answer, pass } = stage();
  answer("a");
  pass(LIMITS.answersHeldMs);
  answer("b");
  await microtasks();
  expect(left).toEqual([]);
  pass(1);
  answer("c");
  await microtasks();
  expect(left).toEqual(["a", "b", "c"]);
  answer("d");
  await microtasks();
  expect(left).toEqual(["a", "b", "c"]);
  await turn();
  expect(left).toEqual(["a", "b", "c", "d"]);
});
