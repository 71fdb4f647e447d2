import { createMailbox, type Mailbox } from "./mailbox.ts";

export interface LabAccount {
  /** sAMAccountName: `probe-a`. */
  readonly username: string;
  /** NetBIOS domain: `LAB`. */
  readonly domain: string;
  /** Mail address, and user principal name: `probe-a@lab.example.com`. */
  readonly address: string;
  readonly password: string;
  /** Name of the mailbox database, for example `DB01`. */
  readonly database: string;
}

/** One attempt to log in somewhere, as a domain controller's log would have it. */
export interface SignIn {
  readonly at: number;
  /** Name of the server, as given at its start. */
  readonly server: string;
  /** `imap`, `pop3`, `smtp`, `http`, `ldap`. */
  readonly protocol: string;
  /** The user name as the client gave it. */
  readonly username: string;
  readonly accepted: boolean;
}

export type Authentication =
  { readonly kind: "accepted"; readonly account: LabAccount } | { readonly kind: "rejected" };

/** What the servers of one lab have in common: accounts, databases, mailboxes. */
export interface Organisation {
  readonly accounts: readonly LabAccount[];
  /** Finds an account by `DOMAIN\user`, `user`, or mail address, case-insensitively. */
  find(username: string): LabAccount | null;
  /** Checks a password and records the attempt. A rejection counts towards a lock-out. */
  authenticate(
    username: string,
    password: string,
    from: Pick<SignIn, "server" | "protocol">,
  ): Authentication;
  /** Refuses every login of an account, whose password has run out, or accepts it again. */
  setExpired(username: string, expired: boolean): void;
  /** Records an attempt decided elsewhere (NTLM). */
  record(signIn: Omit<SignIn, "at">): void;
  /** The last 1,000 attempts, oldest first. */
  signIns(): readonly SignIn[];
  /** The mailbox of a mail address of the organisation, or null. */
  mailbox(address: string): Mailbox | null;
  /**
   * Delivers a message to a folder of a mailbox; while its database is dismounted the message waits in the queue. Mail
   * for other domains leaves the lab unseen.
   */
  deliver(address: string, content: Buffer, folder: string): void;
  /** Whether the account's database is mounted. */
  mounted(account: LabAccount): boolean;
  /** FQDN of the mailbox server that has the account's database active. */
  mailboxServer(account: LabAccount): string;
  /** Dismounts or mounts a database: every front end then fails, or works, alike for its mailboxes. */
  setMounted(database: string, mounted: boolean): void;
  /** Makes a database active on another mailbox server, as a move before maintenance does. */
  activate(database: string, fqdn: string): void;
  /** NetBIOS name of the domain: the first account's. */
  readonly netbiosDomain: string;
  /** Mail domains the organisation accepts mail for. */
  readonly acceptedDomains: readonly string[];
}

const SIGN_INS_KEPT = 1000;
/** Messages that may wait for a database; more are dropped. */
const QUEUE_LIMIT = 500;

interface Queued {
  readonly address: string;
  readonly content: Buffer;
  readonly folder: string;
}

interface Database {
  mounted: boolean;
  server: string;
}

/** `mailboxServer` is where databases are active at first. */
export function createOrganisation(options: {
  readonly accounts: readonly LabAccount[];
  readonly mailboxServer: string;
}): Organisation {
  const { accounts } = options;
  const mailboxes = new Map(accounts.map((a) => [a.address.toLowerCase(), createMailbox()]));
  const databases = new Map<string, Database>();
  for (const account of accounts) {
    databases.set(account.database, { mounted: true, server: options.mailboxServer });
  }
  const expired = new Set<string>();
  const signIns: SignIn[] = [];
  let queue: Queued[] = [];

  function record(signIn: Omit<SignIn, "at">): void {
    signIns.push({ ...signIn, at: Date.now() });
    if (signIns.length > SIGN_INS_KEPT) {
      signIns.shift();
    }
  }

  function find(username: string): LabAccount | null {
    const wanted = username.toLowerCase();
    return accounts.find((account) => namesOf(account).includes(wanted)) ?? null;
  }

  function mounted(account: LabAccount): boolean {
    return databases.get(account.database)?.mounted ?? false;
  }

  function deliver(address: string, content: Buffer, folder: string): void {
    const account = find(address);
    if (account === null) {
      return;
    }
    if (mounted(account)) {
      mailboxes.get(account.address.toLowerCase())?.folder(folder)?.append(content);
    } else if (queue.length < QUEUE_LIMIT) {
      queue.push({ address, content, folder });
    }
  }

  function emptyQueue(): void {
    const waiting = queue;
    queue = [];
    for (const { address, content, folder } of waiting) {
      deliver(address, content, folder);
    }
  }

  return {
    accounts,
    netbiosDomain: accounts[0]?.domain ?? "LAB",
    acceptedDomains: [...new Set(accounts.map((account) => domainOf(account.address)))],
    find,
    record,
    authenticate(username, password, from) {
      const account = find(username);
      const accepted = account?.password === password && !expired.has(account.username);
      record({ ...from, username, accepted });
      return account !== null && accepted ? { kind: "accepted", account } : { kind: "rejected" };
    },
    setExpired(username, isExpired) {
      if (isExpired) {
        expired.add(username);
      } else {
        expired.delete(username);
      }
    },
    signIns: () => signIns,
    mailbox: (address) => mailboxes.get(address.toLowerCase()) ?? null,
    deliver,
    mounted,
    mailboxServer: (account) => databases.get(account.database)?.server ?? options.mailboxServer,
    setMounted(database, nowMounted) {
      const known = databases.get(database);
      if (known !== undefined) {
        known.mounted = nowMounted;
        emptyQueue();
      }
    },
    activate(database, fqdn) {
      const known = databases.get(database);
      if (known !== undefined) {
        known.server = fqdn;
      }
    },
  };
}

function namesOf(account: LabAccount): string[] {
  return [
    account.username,
    `${account.domain}\\${account.username}`,
    `${account.domain}/${account.username}`,
    account.address,
  ].map((name) => name.toLowerCase());
}

function domainOf(address: string): string {
  return address.slice(address.lastIndexOf("@") + 1).toLowerCase();
}
