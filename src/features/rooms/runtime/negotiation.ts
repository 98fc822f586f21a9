/**
 * Offers and answers of one connection. One offer is outstanding at a time, with the sections it
 * was written from; what changes meanwhile waits and then shares one offer. Only the server
 * offers, so there is no glare. close: the debounce timer.
 */

import type { Clock, Timer } from "../../../base/clock.ts";
import { assert, fail } from "../../../base/errors.ts";
import { LIMITS } from "../../../base/limits.ts";
import type { MediaPeer } from "../../../infra/media/engine.ts";
import { type Answer, readAnswer } from "../../../tools/sdp/answer.ts";
import type { OfferSection } from "../../../tools/sdp/sections.ts";
import { writeOffer } from "../../../tools/sdp/writer.ts";
import type { OfferData } from "../events.ts";

interface Outstanding {
  readonly data: OfferData;
  readonly sections: readonly OfferSection[];
  applying: boolean;
}

export interface AnswerInput {
  readonly sdp: string;
  /** Undefined: of the outstanding offer. */
  readonly offerId: string | undefined;
}

export interface NegotiationOptions {
  readonly clock: Clock;
  /** Sends an offer that is not the first of its connection. */
  readonly send: (offer: OfferData) => void;
}

export class Negotiation {
  readonly #clock: Clock;
  readonly #send: (offer: OfferData) => void;
  #peer: MediaPeer | undefined;
  #sections: OfferSection[] = [];
  #sessionId = "";
  #offers = 0;
  #outstanding: Outstanding | undefined;
  #dirty = false;
  #debounce: Timer | undefined;

  constructor(options: NegotiationOptions) {
    this.#clock = options.clock;
    this.#send = options.send;
  }

  get sectionCount(): number {
    return this.#sections.length;
  }

  /** The offer the client owes an answer to. */
  get outstanding(): OfferData | undefined {
    return this.#outstanding?.applying ? undefined : this.#outstanding?.data;
  }

  /** Starts a connection; what was outstanding for the one before is void. */
  begin(peer: MediaPeer, sections: readonly OfferSection[]): OfferData {
    this.close();
    this.#peer = peer;
    this.#sections = [...sections];
    this.#sessionId = `${this.#clock.now()}`;
    const isReset = this.#offers > 0;
    return this.#offer(isReset);
  }

  /**
   * Adds sections, or puts them in place of those with their mids: one offer follows when none is
   * outstanding. What a client refused stays refused.
   */
  update(sections: readonly OfferSection[]): void {
    if (sections.length === 0) return;
    for (const section of sections) {
      const place = this.#sections.findIndex(({ mid }) => mid === section.mid);
      const before = this.#sections[place];
      if (before === undefined) this.#sections.push(section);
      else if (before.type !== "inactive" || !before.refused) this.#sections[place] = section;
    }
    this.#dirty = true;
    this.#schedule();
  }

  /**
   * A fresh offer of the same sections at once, for new ICE credentials; what was outstanding is
   * void, and what waits goes along. Asserts that there is a connection.
   */
  restart(): OfferData {
    this.#debounce?.clear();
    this.#debounce = undefined;
    return this.#offer(false);
  }

  /**
   * Reads an answer and has `apply` carry it out. Errors: 409 `stale_answer` when no offer waits for
   * it; 400 `invalid_sdp`, after which the offer still waits; what `apply` throws, likewise.
   */
  async answer<T>(
    input: AnswerInput,
    apply: (answer: Answer, sections: readonly OfferSection[]) => Promise<T>,
  ): Promise<T> {
    const offer = this.#outstanding;
    const { offerId } = input;
    if (!offer || offer.applying || (offerId !== undefined && offerId !== offer.data.offer_id)) {
      throw staleAnswer();
    }
    const answer = readAnswer(input.sdp, offer.sections);
    offer.applying = true;
    try {
      const result = await apply(answer, offer.sections);
      if (this.#outstanding === offer) {
        this.#outstanding = undefined;
        this.#retire(answer);
      }
      return result;
    } finally {
      offer.applying = false;
      this.#schedule();
    }
  }

  /** Nothing is offered any more until `begin`. Idempotent. */
  close(): void {
    this.#debounce?.clear();
    this.#debounce = undefined;
    this.#peer = undefined;
    this.#outstanding = undefined;
    this.#dirty = false;
  }

  #schedule(): void {
    if (!this.#dirty || this.#outstanding || this.#debounce || !this.#peer) return;
    this.#debounce = this.#clock.after(LIMITS.offerDebounceMs, () => {
      this.#debounce = undefined;
      this.#send(this.#offer(false));
    });
  }

  #offer(isReset: boolean): OfferData {
    assert(this.#peer, "an offer has a connection");
    this.#dirty = false;
    this.#offers += 1;
    const sections = [...this.#sections];
    const { transport } = this.#peer;
    const sdp = writeOffer({
      sessionId: this.#sessionId,
      version: this.#offers,
      transport,
      sections,
    });
    const data: OfferData = {
      offer_id: `${this.#offers}`,
      sdp,
      ...(isReset ? { reset: true } : {}),
    };
    this.#outstanding = { data, sections, applying: false };
    return data;
  }

  /** A refused section stays refused (RFC 8829): later offers say so too. */
  #retire(answer: Answer): void {
    const refused = new Set(
      answer.rejected.filter(({ reason }) => reason === "refused").map(({ mid }) => mid),
    );
    this.#sections = this.#sections.map((section) => {
      if (!refused.has(section.mid) || section.type === "channel") return section;
      const { mid, capabilities } = section;
      const audio =
        section.type === "receive" ? section.source === "audio" : section.kind === "audio";
      return {
        type: "inactive",
        mid,
        capabilities,
        kind: audio ? "audio" : "video",
        refused: true,
      };
    });
  }
}

export function staleAnswer() {
  return fail.conflict("stale_answer", "No offer waits for this answer.");
}
