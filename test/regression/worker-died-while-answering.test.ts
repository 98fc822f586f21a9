/**
 * The media worker died while a page was answering an offer. Closing the old connection leaves that
 * answer unsettled for ever, and the offer for the new connection waited behind it; and an answer
 * that the server could not take any more was taken for the end of the stay.
 */

import { expect, test } from "bun:test";
import { ApiClient } from "../../src/client/api.ts";
import { Link, type PeerEvents } from "../../src/client/link.ts";

/** A link whose connections never finish the answer to the offer `hard`. */
class Fixture {
  readonly answered: string[] = [];
  readonly peers: PeerEvents[] = [];
  readonly lost: Error[] = [];
  readonly link: Link;
  /** The first answer was dealt with, one way or the other. */
  readonly settled = Promise.withResolvers<void>();
  /** A connection is at the offer `hard`. */
  readonly stuck = Promise.withResolvers<void>();
  /** Status of the server's reply to answers. */
  status = 200;
  #stream: ReadableStreamDefaultController<Uint8Array> | undefined;
  #onAnswer: (offerId: string) => void = () => undefined;

  constructor() {
    const fetch = (url: string, init: RequestInit) => this.#reply(url, init);
    const ignore = () => undefined;
    this.link = new Link({
      api: new ApiClient("http://server", undefined, {
        fetch,
        after: () => ignore,
        random: () => 0,
      }),
      roomId: "r",
      participation: {
        participantId: "p",
        token: "t",
        offer: { offerId: "1", sdp: "first", reset: false },
        iceServers: [],
      },
      openPeer: (_, events) => {
        this.peers.push(events);
        const never = new Promise<string>(ignore);
        const answer = (offer: string) => {
          if (offer !== "hard") return Promise.resolve("answer");
          this.stuck.resolve();
          return never;
        };
        return { answer, send: () => false, confirm: ignore, close: ignore };
      },
      onLost: (error) => {
        this.lost.push(error);
        this.settled.resolve();
      },
      onEvent: ignore,
      onUp: ignore,
      onShaky: ignore,
      onReset: ignore,
      onNegotiated: () => this.settled.resolve(),
    });
  }

  /** Resolves when the server got the answer to that offer. */
  gets(offerId: string): Promise<void> {
    return new Promise((resolve) => {
      this.#onAnswer = (answered) => answered === offerId && resolve();
    });
  }

  offerOnChannel(data: object): void {
    this.peers.at(-1)?.onFrame(JSON.stringify(offerEvent(data)));
  }

  offerOnStream(data: object): void {
    const text = `data: ${JSON.stringify(offerEvent(data))}\n\n`;
    this.#stream?.enqueue(new TextEncoder().encode(text));
  }

  async #reply(url: string, init: RequestInit): Promise<Response> {
    if (url.includes("/events")) {
      const start = (controller: ReadableStreamDefaultController<Uint8Array>) => {
        this.#stream = controller;
      };
      return new Response(new ReadableStream<Uint8Array>({ start }));
    }
    const offerId: string = JSON.parse(String(init.body)).offer_id;
    this.answered.push(offerId);
    this.#onAnswer(offerId);
    const body = { success: true, published: [], rejected: [], code: "media_unavailable" };
    return Response.json(body, { status: this.status });
  }
}

function offerEvent(data: object) {
  return { type: "offer", room_id: "r", timestamp: 0, data };
}

test("the offer for a new connection does not wait for the answer of the closed one", async () => {
  const fixture = new Fixture();
  fixture.link.open();
  await fixture.settled.promise;
  fixture.offerOnChannel({ offer_id: "2", sdp: "hard" });
  await fixture.stuck.promise;
  const third = fixture.gets("3");
  fixture.offerOnStream({ offer_id: "3", sdp: "third", reset: true });
  await third;
  expect(fixture.answered).toEqual(["1", "3"]);
  expect(fixture.peers).toHaveLength(2);
  fixture.link.close();
});

test("an answer that comes when the worker is gone does not end the stay", async () => {
  const fixture = new Fixture();
  fixture.status = 503;
  fixture.link.open();
  await fixture.settled.promise;
  expect(fixture.lost).toEqual([]);
  fixture.status = 200;
  const second = fixture.gets("2");
  fixture.offerOnStream({ offer_id: "2", sdp: "second", reset: true });
  await second;
  fixture.link.close();
});
