/** Messages for one client of the records' realtime, from features: realtime itself binds to it. */

/** False: there is no such client, or it does not listen to the topic. */
export type DeliverMessage = (
  clientId: string,
  topic: string,
  data: Readonly<Record<string, unknown>>,
) => boolean;

export class ClientMessages {
  #deliver: DeliverMessage | undefined;

  /** Done once by whoever holds the clients. */
  bind(deliver: DeliverMessage): void {
    this.#deliver = deliver;
  }

  /**
   * Sends the client one message of the topic and takes the topic off its subscriptions: what waits
   * for one answer gets one.
   */
  deliverOnce(clientId: string, topic: string, data: Readonly<Record<string, unknown>>): boolean {
    return this.#deliver?.(clientId, topic, data) ?? false;
  }
}
