/** The runtime's module for tests in Node that read the Worker's declarations: nothing there is traced. */
export const tracing = { enterSpan: <Value>(_name: string, work: () => Value): Value => work() };
