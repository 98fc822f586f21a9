/**
 * The STUN and TURN servers a client is told. With a shared secret, TURN credentials are made for
 * each participation and expire ("A REST API for access to TURN services", draft-uberti-behave).
 */

import { createHmac } from "node:crypto";
import type { RtcConfig } from "../../../../config/schema.ts";

export type IceConfig = Pick<RtcConfig, "iceServers" | "turnSecret" | "turnTtl">;

/** As RTCPeerConnection's configuration takes it. */
export interface IceServer {
  urls: string[];
  username?: string;
  credential?: string;
}

/** `nowMs` since the epoch; `participantId` names the bearer in the TURN server's log. */
export function iceServersFor(
  config: IceConfig,
  participantId: string,
  nowMs: number,
): IceServer[] {
  return config.iceServers.map((server) => {
    const urls = [...server.urls];
    const isTurn = urls.some((url) => /^turns?:/i.test(url));
    const { username, credential } = server;
    if (isTurn && config.turnSecret !== undefined && credential === undefined) {
      const expires = Math.floor((nowMs + config.turnTtl) / 1000);
      const name = `${expires}:${participantId}`;
      const key = createHmac("sha1", config.turnSecret).update(name).digest("base64");
      return { urls, username: name, credential: key };
    }
    return {
      urls,
      ...(username === undefined ? {} : { username }),
      ...(credential === undefined ? {} : { credential }),
    };
  });
}
