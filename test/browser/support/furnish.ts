import type { PagesGateway } from "./gateway.ts";

/** What there is to see, and where: every page of the console and of the portal, by a name for its picture. */
export type World = {
  readonly tenantId: string;
  readonly key: string;
  readonly consolePaths: Readonly<Record<string, string>>;
  readonly portalPaths: Readonly<Record<string, string>>;
};

/** Partners with keys and some lookups, so that pages have something to show. */
export async function furnish({ admin }: PagesGateway): Promise<World> {
  const tenant = await admin<{ id: string }>("/tenants", {
    name: "Loja São João",
    document: "12ABC34501DE35",
    customerId: "loja",
    plan: "pay-per-use",
  });
  const { key } = await admin<{ key: string }>(`/tenants/${tenant.id}/keys`, { mode: "test", label: "vitrine" });
  return {
    tenantId: tenant.id,
    key,
    consolePaths: { overview: "/console" },
    portalPaths: {
      overview: "/portal",
      try: "/portal/try",
      keys: "/portal/keys",
      usage: "/portal/usage",
      statements: "/portal/statements",
      lookups: "/portal/lookups",
      integrate: "/portal/integrate",
    },
  };
}
