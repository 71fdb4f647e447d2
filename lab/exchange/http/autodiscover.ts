import type { ServiceContext } from "../service-context.ts";
import { OAB_GUID } from "./directory-answers.ts";
import { answer, hostOf, type LabAnswer, type LabRequest } from "./http-exchange.ts";

const XML = [["Content-Type", "text/xml; charset=utf-8"]] as const;
const RESPONSES = "http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006";
const OUTLOOK = "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a";
const MOBILE = "http://schemas.microsoft.com/exchange/autodiscover/mobilesync/responseschema/2006";

/** /Autodiscover: version 2 (JSON) without authentication, POX with it. */
export const autodiscover = { anonymous, authenticated };

/** Version 2 returns a protocol's address for a known mailbox without a login (2016 CU3 and later); null for others. */
function anonymous(request: LabRequest, context: ServiceContext): LabAnswer | null {
  const path = request.path.toLowerCase();
  if (context.version === "2010" || !path.startsWith("/autodiscover/autodiscover.json")) {
    return null;
  }
  const query = new URLSearchParams(request.query.toLowerCase());
  const email = query.get("email") ?? path.split("/v1.0/")[1] ?? "";
  const json = [["Content-Type", "application/json; charset=utf-8"]] as const;
  const base = `https://${hostOf(request, context.fqdn)}`;
  const urls: Readonly<Record<string, readonly [string, string]>> = {
    activesync: ["ActiveSync", `${base}/Microsoft-Server-ActiveSync`],
    ews: ["Ews", `${base}/EWS/Exchange.asmx`],
    autodiscoverv1: ["AutodiscoverV1", `${base}/Autodiscover/Autodiscover.xml`],
  };
  const found = urls[query.get("protocol") ?? ""];
  if (context.organisation.find(email) === null) {
    const error = { ErrorCode: "UserNotFound", ErrorMessage: "The given user is not found." };
    return answer(404, json, JSON.stringify(error));
  }
  if (found === undefined) {
    const error = {
      ErrorCode: "InvalidProtocol",
      ErrorMessage: "The given protocol value is invalid.",
    };
    return answer(400, json, JSON.stringify(error));
  }
  return answer(200, json, JSON.stringify({ Protocol: found[0], Url: found[1] }));
}

async function authenticated(request: LabRequest, context: ServiceContext): Promise<LabAnswer> {
  if (request.path.toLowerCase() !== "/autodiscover/autodiscover.xml") {
    return answer(404);
  }
  const xml = request.method.toUpperCase() === "POST" ? await request.body() : Buffer.alloc(0);
  if (xml === null) {
    return answer(413);
  }
  const text = xml.toString("utf8");
  const email = /<EMailAddress>\s*([^<\s]+)\s*<\/EMailAddress>/i.exec(text)?.[1];
  const schema = /<AcceptableResponseSchema>\s*([^<\s]+)\s*</i.exec(text)?.[1];
  if (email === undefined || schema === undefined) {
    return answer(200, XML, errorResponse(600, "Invalid Request"));
  }
  const account = context.organisation.find(email);
  if (account === null) {
    return answer(200, XML, errorResponse(500, "The e-mail address can't be found."));
  }
  const base = `https://${hostOf(request, context.fqdn)}`;
  if (schema === MOBILE) {
    return answer(200, XML, mobileResponse(account.address, base));
  }
  return schema === OUTLOOK
    ? answer(200, XML, outlookResponse(account.address, base))
    : answer(200, XML, errorResponse(601, "Provider is not available"));
}

function wrap(inner: string): string {
  return `<?xml version="1.0" encoding="utf-8"?><Autodiscover xmlns="${RESPONSES}">${inner}</Autodiscover>`;
}

function errorResponse(code: number, message: string): string {
  const time = new Date().toISOString().slice(11, 23);
  return wrap(
    `<Response><Error Time="${time}" Id="2477272013"><ErrorCode>${code}</ErrorCode>` +
      `<Message>${message}</Message><DebugData /></Error></Response>`,
  );
}

function outlookResponse(address: string, base: string): string {
  return wrap(
    `<Response xmlns="${OUTLOOK}"><User><DisplayName>${address}</DisplayName>` +
      `<AutoDiscoverSMTPAddress>${address}</AutoDiscoverSMTPAddress></User><Account><AccountType>email</AccountType>` +
      `<Action>settings</Action><Protocol><Type>EXPR</Type><EwsUrl>${base}/EWS/Exchange.asmx</EwsUrl>` +
      `<OABUrl>${base}/OAB/${OAB_GUID}/</OABUrl></Protocol></Account></Response>`,
  );
}

function mobileResponse(address: string, base: string): string {
  return wrap(
    `<Response xmlns="${MOBILE}"><Culture>en:us</Culture><User><EMailAddress>${address}</EMailAddress></User><Action>` +
      `<Settings><Server><Type>MobileSync</Type><Url>${base}/Microsoft-Server-ActiveSync</Url></Server></Settings>` +
      "</Action></Response>",
  );
}
