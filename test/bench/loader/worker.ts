/** What the loader is given in its vars: a Worker's bundle, and the vars of the Worker itself as JSON. */
type LoaderEnv = Readonly<Record<string, string>> & { readonly LOADER: WorkerLoader };

let started = 0;

/** Starts a new isolate for each request, with the bundle that the first part of its path names, and hands it on. */
export default {
  async fetch(request, env) {
    const url = new URL(request.url);
    const [, name = "", ...path] = url.pathname.split("/");
    started += 1;
    const isolate = env.LOADER.get(`${name}-${started}`, () => ({
      compatibilityDate: "2026-10-20",
      mainModule: "main.js",
      modules: { "main.js": env[`${name}_CODE`] ?? "" },
      env: JSON.parse(env[`${name}_VARS`] ?? "{}") as Record<string, string>,
    }));
    return await isolate.getEntrypoint().fetch(new URL(`/${path.join("/")}`, url), request);
  },
} satisfies ExportedHandler<LoaderEnv>;
