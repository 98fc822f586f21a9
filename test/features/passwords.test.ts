/** Passwords hashed side by side: how many at once, in which order, and how many may wait. */

import { expect, spyOn, test } from "bun:test";
import { LIMITS } from "../../src/base/limits.ts";
import { Passwords } from "../../src/features/records/service/passwords.ts";
import { runtimeBcrypt } from "../../src/infra/bcrypt/bcrypt.ts";

const COST = 4;
const THREADS = navigator.hardwareConcurrency;

test("as many run as there are processors, the first come is served first, too many are refused", async () => {
  const finish: (() => void)[] = [];
  const passwords = new Passwords({
    ...runtimeBcrypt(),
    hash: (plain) => new Promise((resolve) => finish.push(() => resolve(plain))),
  });
  const done: string[] = [];
  const all = Array.from({ length: THREADS + LIMITS.passwordsWaitingMax }, async (_each, index) => {
    done.push(await passwords.hash(String(index), COST));
  });
  await expect(passwords.hash("late", COST)).rejects.toMatchObject({
    code: "passwords_busy",
    status: 503,
  });
  expect(finish).toHaveLength(THREADS);
  for (let at = 0; at < all.length; at++) {
    finish[at]?.();
    await all[at];
  }
  expect(done).toEqual(all.map((_each, index) => String(index)));
});

test("what was hashed ahead is used once, and forgotten after the work", async () => {
  const bcrypt = runtimeBcrypt();
  using hashing = spyOn(bcrypt, "hash");
  const passwords = new Passwords(bcrypt);
  const twice = { plain: "same", cost: COST };
  const hashes = await passwords.ahead([twice, twice], async () => {
    expect(hashing).toHaveBeenCalledTimes(2);
    return [await passwords.hash("same", COST), await passwords.hash("same", COST)];
  });
  expect(hashing).toHaveBeenCalledTimes(2);
  expect(hashes[0]).not.toBe(hashes[1] as string);
  await passwords.ahead([twice], async () => undefined);
  expect(hashing).toHaveBeenCalledTimes(3);
  await passwords.hash("same", COST);
  expect(hashing).toHaveBeenCalledTimes(4);
  await expect(
    passwords.ahead([twice], () => Promise.reject(new Error("the work"))),
  ).rejects.toThrow("the work");
  expect(hashing).toHaveBeenCalledTimes(5);
  // One that ends leaves those that another made of the same.
  await passwords.ahead([twice], async () => {
    await passwords.ahead([twice], async () => undefined);
    await passwords.hash("same", COST);
  });
  expect(hashing).toHaveBeenCalledTimes(7);
});
