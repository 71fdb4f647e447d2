/**
 * The command words of the ADC's command line, and how abbreviations are resolved: any unique prefix of at least two
 * letters, or of one for an object behind its group. Known words, and words that match no prefix, are kept as they are.
 */

/** Verbs, in lower case. */
export const VERBS: ReadonlySet<string> = new Set(
  (
    "add set bind link enable disable unset unbind unlink rm rename show stat save clear apply " +
    "import create update convert install export force sync kill switch join reset renumber count " +
    "configure shell exit quit flush test"
  ).split(" "),
);

/** Verbs that may be abbreviated. `rm` and `rename` may not: an abbreviation must not delete anything. */
const SHORT_VERBS = "add set bind enable disable unset unbind show switch".split(" ");

/** Groups of the command line whose second word is an object; in all other groups the name follows directly. */
const GROUPS_WITH_OBJECTS: ReadonlySet<string> = new Set(
  (
    "aaa adm analytics api appflow appfw appqoe audit authentication authorization autoscale azure " +
    "basic bot ca cache cli cloud cloudtunnel cluster cmp contentinspection cr cs db dns dos " +
    "endpoint feo filter gslb ha ica ipsec ipsecalg kafka lb lldp lsn metrics ns ntp pcp policy " +
    "pq protocol qos quicbridge rdp reputation responder rewrite router sc ssl smpp snmp " +
    "spillover stream subscriber system tm transform tunnel ulfd urlfiltering user utility " +
    "videooptimization vpn wi"
  ).split(" "),
);

/** Objects that belong to no group, and `monitor`, which the command line also accepts without `lb`. */
const LONE_OBJECTS =
  "server service servicegroup netprofile route vlan channel interface monitor".split(" ");

const OBJECTS: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries({
    lb: "vserver monitor group parameter persistentsessions metrictable profile policy policylabel action route wlm",
    cs: "vserver policy action parameter policylabel",
    ssl: "vserver service servicegroup certkey profile parameter policy action cipher ciphersuite",
    gslb: "vserver service servicegroup site parameter domain",
  }).map(([group, objects]) => [group, objects.split(" ")]),
);

/** The verb as written or expanded; null if it is none. */
export function verbOf(word: string): string | null {
  const lower = word.toLowerCase();
  return VERBS.has(lower) ? lower : only(SHORT_VERBS, lower);
}

/** Whether a word begins what a command is about, in full: a group, or an object without one. */
export function isSubject(word: string): boolean {
  const lower = word.toLowerCase();
  return GROUPS_WITH_OBJECTS.has(lower) || LONE_OBJECTS.includes(lower);
}

/** Objects of the network and of the appliance itself, without a group. */
const APPLIANCE_OBJECTS: ReadonlySet<string> = new Set(
  (
    "alias analyticsprofile appalgparam application arp arpparam bridgegroup bridgetable callhome " +
    "cloudbridge cloudprofile dos expression extendedmemoryparam feature fis forwardingsession inat " +
    "inatparam interfacepair ip6tunnel ip6tunnelparam ipset iptunnel iptunnelparam ipv6 l2param " +
    "l3param l4param lacp linkset location locationfile locationfile6 locationparameter mapbmr " +
    "mapdmr mapdomain mode nat64 nat64param nd6 nd6ravariables netbridge nstrace onlinkipv6prefix " +
    "ptp quic radiusnode reporting reportingconfig rnat rnat6 rnatglobal rnatip rnatparam route6 " +
    "rsskeytype sure systemlevelreporting tunnelip uiinternal urlset vpathparam vrid vrid6 " +
    "vridparam vserver vxlan vxlanvlanmap wf"
  ).split(" "),
);

/** Commands that only show something (`show`), or act once (`sync`, `save`), leave no configuration. */
export const CONFIGURES = /^\s*(?:add|bind|set|link|enable|disable|unbind|unset|unlink|rm)\s/i;

/** Whether a command (`add foo`) would change something of which the command line's reference has nothing. */
export function isOfNoKind(verb: string, subject: string): boolean {
  return (
    CONFIGURES.test(`${verb} `) &&
    !isSubject(subject) &&
    !APPLIANCE_OBJECTS.has(subject.toLowerCase())
  );
}

/** A statement's group and object in full; `rest` is what follows them. */
export interface Subject {
  readonly group: string;
  readonly object: string | null;
  /** How many of the given words belong to it: 1 or 2. */
  readonly taken: number;
}

/** Reads `lb mon`, `mon`, `lb vs`, `server`: the words after the verb. */
export function subjectOf(first: string, second: string | null): Subject {
  const lower = first.toLowerCase();
  const known = GROUPS_WITH_OBJECTS.has(lower) || LONE_OBJECTS.includes(lower);
  const word = known ? lower : (only(LONE_OBJECTS, lower) ?? lower);
  if (word === "monitor") {
    return { group: "lb", object: "monitor", taken: 1 };
  }
  if (!GROUPS_WITH_OBJECTS.has(word) || second === null) {
    return { group: known ? first : word === lower ? first : word, object: null, taken: 1 };
  }
  const objects = OBJECTS.get(word) ?? [];
  const object = second.toLowerCase();
  return {
    group: first,
    object: objects.includes(object) ? second : (only(objects, object, 1) ?? second),
    taken: 2,
  };
}

/**
 * The possible meanings of `add serv` or `bind lb m`, which is why the ADC rejects them; empty: unambiguous, or
 * unknown.
 */
export function meaningsOf(group: string, object: string | null): readonly string[] {
  const word = (object ?? group).toLowerCase();
  const known = object === null ? LONE_OBJECTS : (OBJECTS.get(group.toLowerCase()) ?? []);
  const found = known.filter((one) => one.startsWith(word));
  return found.length > 1 && !known.includes(word) ? found : [];
}

/** The only word with this prefix. */
function only(words: readonly string[], beginning: string, shortest = 2): string | null {
  if (beginning.length < shortest || !/^[a-z]+$/.test(beginning)) {
    return null;
  }
  const found = words.filter((word) => word.startsWith(beginning));
  return found.length === 1 ? (found[0] ?? null) : null;
}
