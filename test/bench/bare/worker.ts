/** The least that a Worker in front of Claro can do: hand on the request, hand back the answer. */
export default {
  async fetch(request, env) {
    const { pathname } = new URL(request.url);
    return await fetch(`${env.CLARO_BASE_URL}${pathname}`, request);
  },
} satisfies ExportedHandler<{ CLARO_BASE_URL: string }>;
