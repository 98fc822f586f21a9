/** A stand-in for an S3 service on the loopback interface: objects in memory, both styles of URL. */

interface StoredObject {
  readonly bytes: Uint8Array;
  readonly type: string;
  readonly modifiedAt: Date;
}

export interface FakeS3 {
  readonly port: number;
  readonly objects: Map<string, StoredObject>;
  /** `METHOD host path` of each request. */
  readonly requests: string[];
  /** Multipart uploads that were begun and neither finished nor given up. */
  readonly pending: Map<string, Uint8Array[]>;
  /** Every request is answered with this status and code while it is set. */
  failure: { status: number; code: string } | undefined;
  stop(): Promise<void>;
}

export const BUCKET = "files";
const PAGE = 1_000;
let uploads = 0;

/** Requests without this access key are refused, as those of another bucket are. */
export const ACCESS_KEY = "access-key";

export function startFakeS3(): FakeS3 {
  const objects = new Map<string, StoredObject>();
  const requests: string[] = [];
  const pending = new Map<string, Uint8Array[]>();
  const state: { failure: FakeS3["failure"] } = { failure: undefined };
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      const url = new URL(request.url);
      const host = request.headers.get("host") ?? "";
      requests.push(`${request.method} ${host.replace(/:\d+$/, "")} ${url.pathname}`);
      if (state.failure) return failed(state.failure.status, state.failure.code);
      if (!request.headers.get("authorization")?.includes(`Credential=${ACCESS_KEY}/`)) {
        return failed(403, "InvalidAccessKeyId");
      }
      const key = keyOf(host, decodeURIComponent(url.pathname));
      if (key === undefined) return failed(404, "NoSuchBucket");
      if (key === "") return listing(objects, url.searchParams);
      return answer({ objects, pending }, { request, key, query: url.searchParams });
    },
  });
  return {
    port: server.port ?? 0,
    objects,
    requests,
    pending,
    get failure() {
      return state.failure;
    },
    set failure(failure) {
      state.failure = failure;
    },
    stop: () => server.stop(true),
  };
}

/** The key in the bucket, by the host's first label or the path's first segment. */
function keyOf(host: string, path: string): string | undefined {
  if (host.startsWith(`${BUCKET}.`)) return path.slice(1);
  return path.startsWith(`/${BUCKET}/`) ? path.slice(BUCKET.length + 2) : undefined;
}

interface Kept {
  readonly objects: Map<string, StoredObject>;
  readonly pending: Map<string, Uint8Array[]>;
}

interface Asked {
  readonly request: Request;
  readonly key: string;
  readonly query: URLSearchParams;
}

async function answer({ objects, pending }: Kept, { request, key, query }: Asked) {
  const type = request.headers.get("content-type") ?? "application/octet-stream";
  const upload = query.get("uploadId") ?? "";
  switch (request.method) {
    case "POST": {
      if (query.has("uploads")) {
        const id = `${Buffer.from(type).toString("hex")}-${++uploads}`;
        pending.set(id, []);
        return xml(
          `<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`,
        );
      }
      const sent = Buffer.from(upload.split("-")[0] ?? "", "hex").toString();
      store(objects, key, { bytes: Buffer.concat(pending.get(upload) ?? []), type: sent });
      pending.delete(upload);
      return xml("<CompleteMultipartUploadResult></CompleteMultipartUploadResult>");
    }
    case "PUT": {
      const bytes = await request.bytes();
      const parts = pending.get(upload);
      if (parts) parts[Number(query.get("partNumber")) - 1] = bytes;
      else store(objects, key, { bytes, type });
      return new Response("", { headers: { etag: '"part"' } });
    }
    case "DELETE": {
      if (upload === "") objects.delete(key);
      pending.delete(upload);
      return new Response(null, { status: 204 });
    }
    default:
      return read(objects.get(key), request);
  }
}

function store(
  objects: Map<string, StoredObject>,
  key: string,
  content: Pick<StoredObject, "bytes" | "type">,
) {
  objects.set(key, { ...content, modifiedAt: new Date(Date.UTC(2024, 0, 10, 12)) });
}

function read(object: StoredObject | undefined, request: Request): Response {
  if (!object) return failed(404, "NoSuchKey");
  const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.get("range") ?? "");
  const bytes = range
    ? object.bytes.subarray(Number(range[1]), Number(range[2]) + 1)
    : object.bytes;
  const headers = {
    "content-type": object.type,
    "content-length": String(bytes.length),
    "last-modified": object.modifiedAt.toUTCString(),
    etag: `"${Bun.hash(object.bytes).toString(16)}"`,
  };
  const body = request.method === "HEAD" ? null : new Uint8Array(bytes);
  return new Response(body, { status: range ? 206 : 200, headers });
}

function listing(objects: Map<string, StoredObject>, query: URLSearchParams): Response {
  const prefix = query.get("prefix") ?? "";
  const after = query.get("continuation-token") ?? "";
  const max = Math.min(PAGE, Number(query.get("max-keys") ?? PAGE));
  const keys = [...objects.keys()].filter((key) => key.startsWith(prefix) && key > after).sort();
  const page = keys.slice(0, max);
  const contents = page.map((key) => {
    const object = objects.get(key);
    const escaped = key.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
    return `<Contents><Key>${escaped}</Key><Size>${object?.bytes.length}</Size><LastModified>${object?.modifiedAt.toISOString()}</LastModified></Contents>`;
  });
  const more = keys.length > page.length;
  const token = more ? `<NextContinuationToken>${page.at(-1)}</NextContinuationToken>` : "";
  return xml(
    `<ListBucketResult><IsTruncated>${more}</IsTruncated>${contents.join("")}${token}</ListBucketResult>`,
  );
}

function failed(status: number, code: string): Response {
  return xml(`<Error><Code>${code}</Code><Message>no</Message></Error>`, status);
}

function xml(text: string, status = 200): Response {
  const body = `<?xml version="1.0" encoding="UTF-8"?>${text}`;
  return new Response(body, { status, headers: { "content-type": "application/xml" } });
}
