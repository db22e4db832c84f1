/**
 * The clock of the whole isolate, Worker and objects, so that a month passes in minutes. It runs on at its own pace from
 * wherever it is set; alarms follow it.
 */
const realNowMs = Date.now.bind(Date);
let shiftMs = 0;
Date.now = () => realNowMs() + shiftMs;

export function setClock(atMs: number): void {
  shiftMs = atMs - realNowMs();
}

/** Makes an object's alarms, which the runtime fires by the real clock, those of this one. */
export function withAlarms(ctx: DurableObjectState): DurableObjectState {
  const { storage } = ctx;
  const getAlarm = storage.getAlarm.bind(storage);
  const setAlarm = storage.setAlarm.bind(storage);
  return replaceIn(ctx, {
    getAlarm: async () => {
      const atMs = await getAlarm();
      return atMs === null ? null : atMs + shiftMs;
    },
    setAlarm: async (at: number | Date) => await setAlarm(Number(at) - shiftMs),
  });
}

/** Puts other members into an object's storage. */
export function replaceIn(ctx: DurableObjectState, members: Partial<DurableObjectStorage>): DurableObjectState {
  for (const [name, value] of Object.entries(members)) Object.defineProperty(ctx.storage, name, { value });
  return ctx;
}
