/** REST: every read and write operation at its routes. */

import type {
  CallOperation,
  FileAnswer,
  RedirectAnswer,
  RestRoute,
  TextAnswer,
} from "../../core/operation.ts";
import { parseFields, pickFields } from "../../tools/pick-fields.ts";
import type { HttpCall } from "../http/call.ts";
import { readInput } from "../http/input.ts";
import { authenticate, type Mount, mountRoute } from "../http/mount.ts";
import { readRecordInput, type UploadPlace } from "../http/record-input.ts";
import { fileResponse, jsonReply, type Reply, redirectReply, textReply } from "../http/respond.ts";

export function mountRest(mount: Mount): void {
  for (const operation of mount.kernel.registry.operations) {
    if (operation.kind === "watch") continue;
    for (const route of operation.rest) {
      const handler = (call: HttpCall) => handle(mount, { operation, route }, call);
      const framed = operation.answers === "file";
      const { rateTags, quiet } = operation;
      const dialect = operation.dialect ?? "own";
      const target = { handler, dialect, framed, rateTags, quiet } as const;
      mountRoute(mount, route, target);
      if (route.method !== "GET") continue;
      // HEAD is a GET whose body the server leaves out.
      mountRoute(mount, { ...route, method: "HEAD" }, target);
    }
  }
}

function respond(
  operation: CallOperation,
  route: RestRoute,
  { call, answer }: { readonly call: HttpCall; readonly answer: unknown },
): Response | Reply {
  const status = route.status ?? 200;
  switch (operation.answers) {
    case "file":
      return fileResponse(answer as FileAnswer, call.request);
    case "redirect":
      return redirectReply(answer as RedirectAnswer, status);
    case "text":
      return textReply(answer as TextAnswer, status);
    default:
      return jsonReply(picked(operation, { call, answer }), status);
  }
}

/** The `fields` parameter of routes that do not take it as input themselves. */
function picked(
  operation: CallOperation,
  { call, answer }: { readonly call: HttpCall; readonly answer: unknown },
): unknown {
  if (!call.hasQuery || operation.dialect !== "records") return answer;
  const expression = call.query.get("fields");
  if (!expression || "fields" in (operation.input.properties ?? {})) return answer;
  const wanted = parseFields(expression);
  return wanted ? pickFields(answer, wanted) : answer;
}

async function handle(
  mount: Mount,
  { operation, route }: { readonly operation: CallOperation; readonly route: RestRoute },
  call: HttpCall,
): Promise<Response | Reply> {
  const identity = await authenticate(mount, operation, call);
  const options = { ...identity, requestId: call.requestId, request: call };
  let dispose: (() => Promise<void>) | undefined;
  const place: UploadPlace = {
    ids: mount.kernel.runtime.ids,
    dir: mount.uploadsDir,
    received(files, remove) {
      call.files = files;
      dispose = remove;
    },
  };
  const read =
    operation.dialect === "records"
      ? () => readRecordInput(operation, call, place)
      : () => readInput(operation, call);
  try {
    const answer = await mount.kernel.call(operation, read, options);
    return respond(operation, route, { call, answer });
  } finally {
    if (dispose) await dispose();
  }
}
