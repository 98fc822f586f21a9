/**
 * bcrypt, on the runtime's threads: by an addon, and by the runtime's own where that cannot be
 * loaded. The addon takes an eighth less of the processor; both make and take the same hashes.
 */

import { randomBytes, timingSafeEqual } from "node:crypto";
import type { Log } from "../../base/log.ts";

export interface Bcrypt {
  /** `cost` is the binary logarithm of the rounds. */
  hash(plain: string, cost: number): Promise<string>;
  /** A text that is no hash of bcrypt's is equal to nothing. */
  verify(plain: string, hash: string): Promise<boolean>;
}

/** It looks at no more of a password. */
const BYTES_MAX = 72;

export function runtimeBcrypt(): Bcrypt {
  return {
    hash: (plain, cost) => Bun.password.hash(bytesOf(plain), { algorithm: "bcrypt", cost }),
    async verify(plain, hash) {
      try {
        return await Bun.password.verify(bytesOf(plain), hash, "bcrypt");
      } catch {
        return false;
      }
    },
  };
}

/** What the addon of the package `bcrypt` exports and is used here; its loader needs the package. */
interface Addon {
  gen_salt_sync(minor: "b", cost: number, random: Buffer): string;
  encrypt(
    plain: Buffer,
    salt: string,
    done: (error: Error | undefined, hash: string) => void,
  ): void;
}

/** Of which every variant is made alike: they differ in old faults, above 72 bytes. */
const HASH = /^\$2[abxy](\$(?:0[4-9]|[12]\d|3[01])\$[./A-Za-z0-9]{22})([./A-Za-z0-9]{31})$/;
const SALT_BYTES = 16;

/** `path` is the addon's file. Throws what the loader does. */
export function loadBcrypt(path: string): Bcrypt {
  const module = { exports: {} as Addon };
  process.dlopen(module, path);
  const addon = module.exports;
  const encrypt = (plain: string, salt: string) => {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    addon.encrypt(bytesOf(plain), salt, (error, hash) => (error ? reject(error) : resolve(hash)));
    return promise;
  };
  return {
    hash: async (plain, cost) =>
      encrypt(plain, addon.gen_salt_sync("b", cost, randomBytes(SALT_BYTES))),
    async verify(plain, hash) {
      const [, salt, digest] = HASH.exec(hash) ?? [];
      if (salt === undefined || digest === undefined) return false;
      const given = (await encrypt(plain, `$2b${salt}`)).slice(-digest.length);
      return timingSafeEqual(Buffer.from(given), Buffer.from(digest));
    },
  };
}

/** Opened when it is first needed. Where `open` fails, the log says so and the runtime's is used. */
export function lazyBcrypt(open: () => Bcrypt, log: Log): Bcrypt {
  let opened: Bcrypt | undefined;
  const get = () => {
    opened ??= openOrFallBack(open, log);
    return opened;
  };
  return {
    hash: (plain, cost) => get().hash(plain, cost),
    verify: (plain, hash) => get().verify(plain, hash),
  };
}

function openOrFallBack(open: () => Bcrypt, log: Log): Bcrypt {
  try {
    return open();
  } catch (cause) {
    log.warn("the addon for passwords cannot be loaded, the runtime does its work", { cause });
    return runtimeBcrypt();
  }
}

/** What is longer the runtime would hash in a way of its own first, which nobody else knows. */
function bytesOf(plain: string): Buffer<ArrayBuffer> {
  return Buffer.from(plain).subarray(0, BYTES_MAX);
}
