import { isSubject } from "./abbreviations.ts";

/** Commands that only show something (`show`), or act once (`sync`, `save`), leave no configuration. */
export const CONFIGURES = /^\s*(?:add|bind|set|link|enable|disable|unbind|unset|unlink|rm)\s/i;

/** What begins like a command and is none, or none yet. */
export const PASSED_OVER: readonly ((text: string) => boolean)[] = [
  isTemplate,
  isSynopsis,
  isTitle,
  isSentence,
];

/**
 * `{{ pool.name }}` outside quotes, or an editor's `${1:name}`: a template's command, whose names and numbers are not
 * known yet.
 */
function isTemplate(text: string): boolean {
  if (/\$\{\d{1,3}[:|}]/.test(text)) {
    return true;
  }
  if (!text.includes("{{")) {
    return false;
  }
  const bare = text.replace(/"(?:[^"\\]|\\.)*"/g, '""');
  return bare.includes("{{") && bare.indexOf("}}", bare.indexOf("{{")) > 0;
}

/** `add lb monitor <name> [-interval <n>]`, `add server <name> (<IP> | <domain>)`: a synopsis, as quoted in references. */
function isSynopsis(text: string): boolean {
  return (
    (text.includes("[-") || text.includes("(<")) &&
    /\s(?:\[-|\(<)[A-Za-z]/.test(text.replace(/"(?:[^"\\]|\\.)*"/g, '""'))
  );
}

/** `Bind services to vservers:` above commands. */
function isTitle(text: string): boolean {
  return (
    /[^:]:$/.test(text) &&
    !/["'-]/.test(text) &&
    / (?:to|the|your|an?|and|as|with|for) /i.test(text)
  );
}

/** `Add servers to the pool.`, `Save lines that couldn't be read`: prose, whose apostrophe opens no quote. */
function isSentence(text: string): boolean {
  const [, noun = ""] = SENTENCE.exec(text) ?? [];
  return noun !== "" && !isSubject(noun);
}

const SENTENCE =
  /^\s*[a-z]{2,10} ([a-z]{1,30}) (?:[a-z]{1,30} )?(?:that|which|the|to|an?|and|of|for|in|on|with|from|if|so) /i;
