/**
 * The media room under a live room: made at the first use, and made again, by and by, when its
 * worker died. close: the retry timer → the media room.
 */

import type { Clock, Timer } from "../../../base/clock.ts";
import { fail } from "../../../base/errors.ts";
import { LIMITS } from "../../../base/limits.ts";
import type { Log } from "../../../base/log.ts";
import type { MediaEngine, MediaRoom } from "../../../infra/media/engine.ts";

export interface RoomMediaOptions {
  readonly roomId: string;
  readonly engine: MediaEngine;
  readonly clock: Clock;
  readonly log: Log;
  /** The first one, or one in place of one that was lost. */
  readonly onOpen: (media: MediaRoom) => void;
  readonly onLost: () => void;
  /** In place of one that was lost. */
  readonly onRecovered: (media: MediaRoom) => Promise<void>;
  /** No attempt is made any more. */
  readonly onGivenUp: () => void;
}

export class RoomMedia {
  readonly #options: RoomMediaOptions;
  #current: MediaRoom | undefined;
  #opening: Promise<MediaRoom> | undefined;
  #retry: Timer | undefined;
  #closed = false;

  constructor(options: RoomMediaOptions) {
    this.#options = options;
  }

  /** Undefined: none yet, or lost. */
  get current(): MediaRoom | undefined {
    return this.#current;
  }

  /** Errors: 503 `media_unavailable`, 409 `room_closed`. */
  async open(): Promise<MediaRoom> {
    if (this.#current) return this.#current;
    this.#opening ??= this.#create().finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  /** Idempotent. */
  close(): void {
    this.#closed = true;
    this.#retry?.clear();
    this.#current?.close();
    this.#current = undefined;
  }

  async #create(): Promise<MediaRoom> {
    const { engine, roomId } = this.#options;
    const media = await engine.createRoom(roomId);
    if (this.#closed) {
      media.close();
      throw fail.conflict("room_closed", "The room was closed.");
    }
    // Lost before anybody could listen for it.
    if (media.closed) throw fail.unavailable("media_unavailable", "The media worker was lost.");
    this.#current = media;
    media.onLost(() => this.#lost(media));
    this.#options.onOpen(media);
    return media;
  }

  #lost(media: MediaRoom): void {
    if (this.#closed || this.#current !== media) return;
    this.#current = undefined;
    this.#retry?.clear();
    this.#options.log.warn("room lost its media worker", { room: this.#options.roomId });
    this.#options.onLost();
    void this.#recover(1);
  }

  async #recover(attempt: number): Promise<void> {
    const { clock, log, roomId } = this.#options;
    try {
      await this.#options.onRecovered(await this.open());
    } catch (cause) {
      if (this.#closed) return;
      log.warn("room found no media worker", { room: roomId, attempt, cause });
      if (attempt >= LIMITS.roomRecoveriesMax) this.#options.onGivenUp();
      else {
        const backoff = LIMITS.roomRecoveryBackoffMs * 2 ** (attempt - 1);
        const waitMs = Math.min(backoff, LIMITS.workerRestartBackoffMaxMs);
        this.#retry = clock.after(waitMs, () => void this.#recover(attempt + 1));
      }
    }
  }
}
