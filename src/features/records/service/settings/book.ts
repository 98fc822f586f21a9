/**
 * The platform's settings: one row of `_params`, read once, replaced as a whole when they change.
 * Whoever uses them reads `current` at the time of use.
 */

import { fail } from "../../../../base/errors.ts";
import type { Ids } from "../../../../base/ids.ts";
import { LIMITS } from "../../../../base/limits.ts";
import type { Context } from "../../../../core/context.ts";
import type { Reader, Transaction } from "../../../../infra/db/database.ts";
import { storedDate } from "../../store.ts";
import { freeze, isGroup, mergeSettings } from "./merge.ts";
import { seal, unseal } from "./sealed.ts";
import { DEFAULT_SETTINGS, type Settings } from "./shape.ts";

export type SettingsListener = (now: Settings, before: Settings) => void;

export interface SettingsBookOptions {
  readonly ids: Ids;
  /** 32 characters. What is written is encrypted under it; without one it is plain. */
  readonly encryptionKey?: string | undefined;
}

const ROW = "settings";
/** Left out of what is stored while they are empty. */
const SECRETS: ReadonlySet<string> = new Set(["password", "secret"]);

export class SettingsBook {
  readonly #options: SettingsBookOptions;
  readonly #listeners = new Set<SettingsListener>();
  #current: Settings = freeze(structuredClone(DEFAULT_SETTINGS));
  /** As stored, with the keys of later versions; undefined while no row is there. */
  #stored: Readonly<Record<string, unknown>> | undefined;

  constructor(options: SettingsBookOptions) {
    this.#options = options;
  }

  /** Frozen; another object after each change. */
  get current(): Settings {
    return this.#current;
  }

  /** Whether a row is stored; without one the defaults hold. */
  get isStored(): boolean {
    return this.#stored !== undefined;
  }

  /** Tells of each change after its commit. Returns what ends that. */
  onChange(listener: SettingsListener): () => void {
    if (this.#listeners.size >= LIMITS.busListenersMax) {
      throw fail.internal("listener_leak", "Something went wrong on the server.");
    }
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /**
   * Reads what is stored; done once, after the migrations. Error: 503 `settings_unreadable` for an
   * encrypted row without its key, or one that holds no settings.
   */
  async load(reader: Reader): Promise<void> {
    const row = await reader.get("SELECT value FROM `_params` WHERE id = ?", ROW);
    if (!row) return;
    const stored = this.#open(row.value);
    const settings = mergeSettings(DEFAULT_SETTINGS, stored);
    this.#stored = stored;
    this.#replace(settings);
  }

  /** Stores settings that were checked before; they count after the commit. */
  async save(context: Context, settings: Settings): Promise<void> {
    const next = freeze(settings);
    const stored = overlay(this.#stored ?? {}, next as unknown as Record<string, unknown>);
    await context.transaction(async () => {
      await this.#write(context.tx, stored, context.clock.now());
      context.afterCommit(() => {
        this.#stored = stored;
        this.#replace(next);
      });
    });
  }

  /** Rate limit rules follow a collection to its new name; within the change's transaction. */
  async renameCollection(context: Context, from: string, to: string): Promise<void> {
    const { rateLimits } = this.#current;
    const isMeant = (label: string) => label.startsWith(`${from}:`);
    if (!rateLimits.rules.some(({ label }) => isMeant(label))) return;
    const rules = rateLimits.rules.map((rule) =>
      isMeant(rule.label) ? { ...rule, label: to + rule.label.slice(from.length) } : rule,
    );
    await this.save(context, { ...this.#current, rateLimits: { ...rateLimits, rules } });
  }

  async #write(tx: Transaction, stored: object, now: number): Promise<void> {
    const plain = Buffer.from(JSON.stringify(stored, withoutEmptySecrets));
    const { encryptionKey, ids } = this.#options;
    const value = encryptionKey ? seal(plain, encryptionKey, ids) : plain;
    const date = storedDate(now);
    await tx.run(
      `INSERT INTO \`_params\` (id, value, created, updated) VALUES (?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET value = excluded.value, updated = excluded.updated`,
      ROW,
      value,
      date,
      date,
    );
  }

  #replace(settings: Settings): void {
    const before = this.#current;
    this.#current = settings;
    for (const listener of [...this.#listeners]) listener(settings, before);
  }

  /** Plain or encrypted, whatever the row was written as. */
  #open(value: unknown): Record<string, unknown> {
    const text = value instanceof Uint8Array ? Buffer.from(value).toString() : String(value);
    const plain = parseGroup(text);
    if (plain) return plain;
    const { encryptionKey } = this.#options;
    if (!encryptionKey) {
      const message = "The stored settings are encrypted: set PB_ENCRYPTION_KEY to their key.";
      throw fail.unavailable("settings_unreadable", message);
    }
    const opened = parseGroup(unseal(text, encryptionKey)?.toString() ?? "");
    if (opened) return opened;
    const message = "The stored settings cannot be decrypted: PB_ENCRYPTION_KEY is another key.";
    throw fail.unavailable("settings_unreadable", message);
  }
}

/** Known keys from `settings`, the others as they were stored. */
function overlay(
  stored: Readonly<Record<string, unknown>>,
  settings: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const merged: Record<string, unknown> = { ...settings };
  for (const [name, value] of Object.entries(stored)) {
    const known = settings[name];
    if (!(name in settings)) merged[name] = value;
    else if (isGroup(known) && isGroup(value)) merged[name] = overlay(value, known);
  }
  return merged;
}

function withoutEmptySecrets(name: string, value: unknown): unknown {
  return SECRETS.has(name) && value === "" ? undefined : value;
}

function parseGroup(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isGroup(value) ? { ...value } : undefined;
  } catch {
    // Encrypted ones are no JSON.
    return undefined;
  }
}
