import type { TransactionName } from "../../model/transactions.ts";

/** Where each logged-in web transaction goes unless `path` says otherwise. */
export const WEB_PATHS = {
  owa_form: "/owa/",
  eas_options: "/Microsoft-Server-ActiveSync",
  ews_folder: "/EWS/Exchange.asmx",
  autodiscover: "/Autodiscover/Autodiscover.xml",
  mapi_endpoint: "/mapi/emsmdb/",
  oab: "/OAB/",
  rpc_echo: "/rpc/rpcproxy.dll",
} as const satisfies Partial<Record<TransactionName, string>>;

/** What the look at a challenge asks for where nothing says which path. */
export const CHALLENGE_PATH = "/owa/";

/** What a look asks for where nothing says which path. */
export function defaultPath(transaction: TransactionName): string {
  return transaction === "web_answer" ? "/" : CHALLENGE_PATH;
}

/** Looks at a path of the web: the member's own unless `path` says otherwise. */
export function looksAtPath(transaction: TransactionName): boolean {
  return (
    transaction === "https_challenge" ||
    transaction === "health_page" ||
    transaction === "web_answer"
  );
}

/** Whether a transaction is of one path of the web, as a look or as a login. */
export function isOfOnePath(transaction: TransactionName): boolean {
  return looksAtPath(transaction) || ownPath(transaction) !== null;
}

/** The path of a transaction that has one of its own, else null. */
export function ownPath(transaction: TransactionName): string | null {
  return transaction in WEB_PATHS ? WEB_PATHS[transaction as keyof typeof WEB_PATHS] : null;
}
