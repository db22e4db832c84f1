import * as z from "zod";
import { told } from "./language.ts";

/** What a gateway tells of itself: fields that `/healthz` and the operator's health share. */
export const versionField = z
  .string()
  .meta(told({ "pt-BR": "A versão do gateway.", en: "The gateway's version." }, { examples: ["0.1.0"] }));

export const commitField = z.string().meta(
  told(
    {
      "pt-BR": "O commit implantado; `dev` na máquina de quem desenvolve.",
      en: "The commit that was deployed; `dev` on a developer's machine.",
    },
    { examples: ["d75bd03f37c5"] },
  ),
);

export const VERSION_ID = {
  "pt-BR": "O id da versão na Cloudflare, quando implantada.",
  en: "Cloudflare's id of the version, where it is deployed.",
};

export const DEPLOYED_AT = { "pt-BR": "Quando essa versão foi enviada.", en: "When that version was uploaded." };
