/**
 * Passwords hashed and compared by bcrypt: as many at once as there are processors, the others in
 * the order in which they came. More at once would be no faster, and would let the last one in go
 * first.
 */

import { fail } from "../../../base/errors.ts";
import { LIMITS } from "../../../base/limits.ts";
import type { Bcrypt } from "../../../infra/bcrypt/bcrypt.ts";
import { Gate } from "../../../tools/gate.ts";

export interface PlainPassword {
  readonly plain: string;
  /** bcrypt's, the binary logarithm of its rounds. */
  readonly cost: number;
}

export class Passwords {
  readonly #gate = new Gate({
    runningMax: navigator.hardwareConcurrency,
    waitingMax: LIMITS.passwordsWaitingMax,
    refuse: () => fail.unavailable("passwords_busy", "Too many passwords are being checked."),
  });
  readonly #bcrypt: Bcrypt;
  /** Hashes that `ahead` made, by what they are of. */
  readonly #made = new Map<string, string[]>();

  constructor(bcrypt: Bcrypt) {
    this.#bcrypt = bcrypt;
  }

  /** A stored text that is no hash is equal to nothing. Error: 503 `passwords_busy`. */
  async verify(plain: string, hash: string): Promise<boolean> {
    return this.#gate.run(() => this.#bcrypt.verify(plain, hash));
  }

  /** Error: 503 `passwords_busy`. */
  async hash(plain: string, cost: number): Promise<string> {
    return this.#made.get(keyOf({ plain, cost }))?.pop() ?? this.#hash({ plain, cost });
  }

  /**
   * Hashes these first and then runs `work`, whose own calls of `hash` find them made: for work
   * that holds the writer. Each is used once. Error: as `hash`, and what `work` throws.
   */
  async ahead<T>(passwords: readonly PlainPassword[], work: () => Promise<T>): Promise<T> {
    const hashes = await Promise.all(passwords.map((password) => this.#hash(password)));
    const made = new Map(
      hashes.map((hash, index) => [hash, keyOf(passwords[index] as PlainPassword)]),
    );
    for (const [hash, key] of made) this.#made.set(key, [...(this.#made.get(key) ?? []), hash]);
    try {
      return await work();
    } finally {
      for (const [hash, key] of made) this.#forget(key, hash);
    }
  }

  #hash({ plain, cost }: PlainPassword): Promise<string> {
    return this.#gate.run(() => this.#bcrypt.hash(plain, cost));
  }

  /** Somebody else may have hashed the same ahead. */
  #forget(key: string, hash: string): void {
    const left = (this.#made.get(key) ?? []).filter((other) => other !== hash);
    if (left.length > 0) this.#made.set(key, left);
    else this.#made.delete(key);
  }
}

function keyOf({ plain, cost }: PlainPassword): string {
  return `${cost} ${plain}`;
}
