import type { EventEncoder } from "./exported_event.ts";

/** One JSON object a line, ended by a line feed: the format that needs no rule to be read back. */
export const eventsJsonl: EventEncoder = {
  header: () => "",
  line: (event) => `${JSON.stringify(event)}\n`,
};
