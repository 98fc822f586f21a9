/**
 * Requests as fast as a server answers them, over connections that stay open, one request at a time
 * on each. Written on sockets: it shares the machine with what it measures, and `fetch` would take
 * more of it than the server does.
 */

import { readFileSync } from "node:fs";

export interface Load {
  readonly url: string;
  readonly connections: number;
  /** How long it is measured, after `warmUpMs` that count for nothing. */
  readonly measureMs: number;
  readonly warmUpMs: number;
  /** The next request; undefined: nothing is left to ask. */
  readonly next: () => Asked | undefined;
  /** Of the server's process. */
  readonly pid: number;
  /** The status that is right. */
  readonly status: number;
}

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly token?: string;
  readonly body?: string;
}

export interface Measured {
  readonly perSecond: number;
  /** Milliseconds of each request. */
  readonly times: readonly number[];
  readonly faults: number;
  /** Microseconds of the server's processor time for each request, on all cores together. */
  readonly cpuUs: number;
}

interface Connection {
  buffer: Buffer;
  sentAt: number;
}

const EMPTY = Buffer.alloc(0);
const HEAD_END = Buffer.from("\r\n\r\n");

export async function measure(load: Load): Promise<Measured> {
  const { hostname, port } = new URL(load.url);
  const started = performance.now();
  const from = started + load.warmUpMs;
  const until = from + load.measureMs;
  const times: number[] = [];
  let faults = 0;
  let answers = 0;
  const busyBefore = processorUs(load.pid);
  let first = Number.POSITIVE_INFINITY;
  let last = 0;
  const run = () => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const send = (socket: Bun.Socket<Connection>) => {
      const asked = performance.now() < until ? load.next() : undefined;
      if (!asked) {
        socket.end();
        resolve();
        return;
      }
      socket.data.sentAt = performance.now();
      socket.write(written(asked));
    };
    void Bun.connect<Connection>({
      hostname,
      port: Number(port),
      data: { buffer: EMPTY, sentAt: 0 },
      socket: {
        open: send,
        data(socket, chunk) {
          const { data } = socket;
          data.buffer = data.buffer.length === 0 ? chunk : Buffer.concat([data.buffer, chunk]);
          const answer = answered(data.buffer);
          if (!answer) return;
          const now = performance.now();
          data.buffer = EMPTY;
          answers++;
          if (answer.status !== load.status) faults++;
          if (data.sentAt >= from) {
            times.push(now - data.sentAt);
            first = Math.min(first, data.sentAt);
            last = Math.max(last, now);
          }
          send(socket);
        },
        error: (_, error) => reject(error),
        connectError: (_, error) => reject(error),
        close: () => resolve(),
      },
    }).catch(reject);
    return promise;
  };
  await Promise.all(Array.from({ length: load.connections }, run));
  const cpuUs = (processorUs(load.pid) - busyBefore) / answers;
  return { perSecond: (times.length * 1_000) / (last - first), times, faults, cpuUs };
}

/** What the process used so far; the kernel counts in hundredths of a second. */
function processorUs(pid: number): number {
  const [, after = ""] = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ");
  const fields = after.split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10_000;
}

function written({ method, path, token, body }: Asked): string {
  const head = `${method} ${path} HTTP/1.1\r\nhost: bench\r\n`;
  const authorization = token === undefined ? "" : `authorization: ${token}\r\n`;
  if (body === undefined) return `${head}${authorization}\r\n`;
  const length = `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n`;
  return `${head}${authorization}${length}\r\n${body}`;
}

/** The status of a complete answer; undefined while a part of it is missing. */
function answered(buffer: Buffer): { readonly status: number } | undefined {
  const end = buffer.indexOf(HEAD_END);
  if (end < 0) return undefined;
  const head = buffer.toString("latin1", 0, end).toLowerCase();
  const status = Number(head.slice(9, 12));
  const length = /\r\ncontent-length: *(\d+)/.exec(head)?.[1];
  const isWhole =
    length === undefined
      ? !head.includes("transfer-encoding: chunked") || isLastChunk(buffer, end + 4)
      : buffer.length >= end + 4 + Number(length);
  return isWhole ? { status } : undefined;
}

/** Chunks (RFC 9112, section 7.1) up to the empty one. */
function isLastChunk(buffer: Buffer, from: number): boolean {
  for (let at = from; ; ) {
    const line = buffer.indexOf("\r\n", at);
    if (line < 0) return false;
    const size = Number.parseInt(buffer.toString("latin1", at, line), 16);
    at = line + 2 + size + 2;
    if (at > buffer.length) return false;
    if (size === 0) return true;
  }
}
