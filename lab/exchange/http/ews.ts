import type { LabAccount } from "../organisation.ts";
import type { ServiceContext } from "../service-context.ts";
import { INBOX } from "../mailbox.ts";
import { answer, type LabAnswer, type LabRequest } from "./http-exchange.ts";

const XML = [["Content-Type", "text/xml; charset=utf-8"]] as const;
const MESSAGES = "http://schemas.microsoft.com/exchange/services/2006/messages";
const TYPES = "http://schemas.microsoft.com/exchange/services/2006/types";

/** Distinguished folders the lab's mailboxes have, by their EWS names. */
const FOLDERS: Readonly<Record<string, string>> = {
  inbox: INBOX,
  deleteditems: "Deleted Items",
  drafts: "Drafts",
  junkemail: "Junk Email",
  sentitems: "Sent Items",
};

/** /EWS/Exchange.asmx: GetFolder of a distinguished folder; other operations are refused as EWS refuses garbage. */
export async function exchangeWebServices(
  request: LabRequest,
  account: LabAccount,
  context: ServiceContext,
): Promise<LabAnswer> {
  if (request.path.toLowerCase() !== "/ews/exchange.asmx") {
    return answer(404);
  }
  if (request.method.toUpperCase() !== "POST") {
    return answer(200, [["Content-Type", "text/html; charset=UTF-8"]], "<h1>Service</h1>");
  }
  const body = await request.body();
  if (body === null) {
    return answer(413);
  }
  const xml = body.toString("utf8");
  const wanted = /<(?:\w+:)?DistinguishedFolderId\s[^>]*?Id\s*=\s*["']([^"']+)["']/.exec(xml)?.[1];
  if (!/<(?:\w+:)?Envelope[\s>]/.test(xml) || !/<\/(?:\w+:)?Envelope>\s*$/.test(xml)) {
    return soapFault("ErrorSchemaValidation", "The request failed schema validation.");
  }
  if (!/<(?:\w+:)?GetFolder[\s>]/.test(xml) || wanted === undefined) {
    return soapFault("ErrorInvalidRequest", "The request is invalid.");
  }
  return answer(200, XML, getFolder(wanted, account, context));
}

function getFolder(wanted: string, account: LabAccount, context: ServiceContext): string {
  const { organisation } = context;
  if (!organisation.mounted(account)) {
    return folderError(
      "ErrorMailboxStoreUnavailable",
      "The mailbox database is temporarily unavailable.",
      context,
    );
  }
  const folder = organisation.mailbox(account.address)?.folder(FOLDERS[wanted] ?? "") ?? null;
  if (folder === null) {
    return folderError(
      "ErrorFolderNotFound",
      "The specified folder could not be found in the store.",
      context,
    );
  }
  const id = Buffer.from(`${account.address}/${folder.name}`).toString("base64");
  const unread = folder.messages.filter(({ flags }) => !flags.has("\\Seen")).length;
  return envelope(
    context,
    `<m:GetFolderResponseMessage ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode><m:Folders><t:Folder>` +
      `<t:FolderId Id="${id}" ChangeKey="AQAAAA=="/><t:DisplayName>${folder.name}</t:DisplayName>` +
      `<t:TotalCount>${folder.messages.length}</t:TotalCount><t:ChildFolderCount>0</t:ChildFolderCount>` +
      `<t:UnreadCount>${unread}</t:UnreadCount></t:Folder></m:Folders></m:GetFolderResponseMessage>`,
  );
}

function folderError(code: string, text: string, context: ServiceContext): string {
  return envelope(
    context,
    `<m:GetFolderResponseMessage ResponseClass="Error"><m:MessageText>${text}</m:MessageText>` +
      `<m:ResponseCode>${code}</m:ResponseCode><m:DescriptiveLinkKey>0</m:DescriptiveLinkKey><m:Folders/>` +
      `</m:GetFolderResponseMessage>`,
  );
}

function envelope(context: ServiceContext, message: string): string {
  const version =
    context.version === "2010"
      ? 'MajorVersion="14" MinorVersion="3" MajorBuildNumber="513" MinorBuildNumber="0" Version="Exchange2010_SP2"'
      : 'MajorVersion="15" MinorVersion="1" MajorBuildNumber="2507" MinorBuildNumber="6" Version="V2017_07_11"';
  return (
    '<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Header>' +
    `<h:ServerVersionInfo ${version} xmlns:h="${TYPES}"/></s:Header><s:Body>` +
    `<m:GetFolderResponse xmlns:m="${MESSAGES}" xmlns:t="${TYPES}"><m:ResponseMessages>${message}` +
    "</m:ResponseMessages></m:GetFolderResponse></s:Body></s:Envelope>"
  );
}

function soapFault(code: string, text: string): LabAnswer {
  return answer(
    500,
    XML,
    '<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><s:Fault>' +
      `<faultcode xmlns:a="${TYPES}">a:${code}</faultcode><faultstring xml:lang="en-US">${text}</faultstring><detail>` +
      `<e:ResponseCode xmlns:e="http://schemas.microsoft.com/exchange/services/2006/errors">${code}</e:ResponseCode>` +
      "</detail></s:Fault></s:Body></s:Envelope>",
  );
}
