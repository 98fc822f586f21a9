/** Paging as clients send it: texts, bounded rather than refused where they are numbers. */

import { fail } from "../../../base/errors.ts";

/** Query parameters of a list, as they came. */
export interface ListParameters {
  readonly page?: string | undefined;
  readonly perPage?: string | undefined;
  readonly skipTotal?: string | undefined;
  readonly filter?: string | undefined;
  readonly sort?: string | undefined;
  readonly expand?: string | undefined;
}

export interface Page {
  readonly page: number;
  readonly perPage: number;
  readonly skipTotal: boolean;
}

const PER_PAGE = 30;
const PER_PAGE_MAX = 1_000;
/** What the reference's integers hold; anything larger is no number to it. */
const WHOLE_MAX = 2 ** 63;
/** Offsets stay exact numbers. */
const PAGE_MAX = Math.floor(Number.MAX_SAFE_INTEGER / PER_PAGE_MAX);

/** Error: 400 for what is no whole number or no truth value. */
export function readPage(parameters: ListParameters): Page {
  const perPage = whole("perPage", parameters.perPage);
  return {
    page: Math.min(Math.max(whole("page", parameters.page) || 1, 1), PAGE_MAX),
    perPage: perPage > 0 ? Math.min(perPage, PER_PAGE_MAX) : PER_PAGE,
    skipTotal: truth("skipTotal", parameters.skipTotal),
  };
}

function whole(name: string, text: string | undefined): number {
  if (text === undefined || text === "") return 0;
  if (!/^[+-]?\d+$/.test(text) || Math.abs(Number(text)) >= WHOLE_MAX) {
    throw fail.invalid("invalid_page", `${name} must be a whole number.`);
  }
  return Number(text);
}

function truth(name: string, text: string | undefined): boolean {
  if (text === undefined || text === "") return false;
  if (/^(1|t|true)$/i.test(text)) return true;
  if (/^(0|f|false)$/i.test(text)) return false;
  throw fail.invalid("invalid_page", `${name} must be true or false.`);
}
