import { assert } from "../../../base/errors.ts";
import type { Context } from "../../../core/context.ts";
import type { AuthService } from "../../auth/index.ts";
import { type RecordData, storedDate } from "../../records/index.ts";
import type { SendTestMail, TestTemplate } from "./test-mails.ts";

const KINDS = {
  verification: "verification",
  "password-reset": "passwordReset",
  "email-change": "emailChange",
  otp: "otp",
  "login-alert": "alert",
} as const satisfies Record<TestTemplate, string>;

/** One of the mails of an auth collection, about an account that does not exist. */
export function sendTestMail(
  auth: Pick<AuthService, "authCollection" | "mails">,
  context: Context,
  { to, template, collection: name }: Parameters<SendTestMail>[1],
): Promise<void> {
  const collection = auth.authCollection(name);
  const shown = collection.fields.filter((field) => !field.hidden);
  const record = Object.fromEntries(
    shown.map((field) => [field.name, `__pb_test_${field.name}__`]),
  );
  const account = { collection, record: { ...record, email: to } as unknown as RecordData };
  assert(typeof account.record.id === "string", "an auth collection shows its id");
  return auth.mails.send(KINDS[template], account, { to, values: valuesOf(context, template) });
}

/** Links in them lead nowhere: no token is made for nobody. */
function valuesOf(context: Context, template: TestTemplate): Readonly<Record<string, string>> {
  switch (template) {
    case "otp":
      return { OTP: "123456", OTP_ID: "_PB_TEST_OTP_ID_" };
    case "login-alert":
      return { ALERT_INFO: `${storedDate(context.clock.now())} - TEST_IP TEST_USER_AGENT` };
    default:
      return { TOKEN: context.ids.secret(40) };
  }
}
