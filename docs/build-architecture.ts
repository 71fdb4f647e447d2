interface Room {
  readonly room: string;
  readonly contract: string;
  readonly without: string;
}

const BEGIN = "<!-- rooms: begin -->";
const END = "<!-- rooms: end -->";

/** docs/dev/architecture.md with its table of rooms made anew from house.json; the rest stays as written. */
export function architectureWithRooms(text: string, house: string): string {
  const begin = text.indexOf(BEGIN);
  const end = text.indexOf(END);
  if (begin === -1 || end < begin) {
    throw new Error(`docs/dev/architecture.md has no ${BEGIN} … ${END}`);
  }
  const { rooms } = JSON.parse(house) as { readonly rooms: readonly Room[] };
  const rows = rooms.map(
    ({ room, contract, without }) => `| \`src/${room}\` | ${contract} | ${without} |`,
  );
  const table = ["| room | contents | what it does not know |", "|---|---|---|", ...rows];
  return `${text.slice(0, begin + BEGIN.length)}\n\n${table.join("\n")}\n\n${text.slice(end)}`;
}
