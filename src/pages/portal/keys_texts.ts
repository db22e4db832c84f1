import type { Text } from "../../http/language.ts";

export const KEYS_TEXTS = {
  note: {
    "pt-BR": "O segredo de uma chave só é mostrado quando ela é criada.",
    en: "A key's secret is shown only when it is made.",
  },
  none: { "pt-BR": "Não há chaves.", en: "There are no keys." },
  scopes: { "pt-BR": "Permissões", en: "May" },
  status: { "pt-BR": "Situação", en: "Status" },
  expires: { "pt-BR": "Vence", en: "Expires" },
  lastUse: { "pt-BR": "Último uso", en: "Last use" },
  current: { "pt-BR": "esta sessão", en: "this session" },
  create: { "pt-BR": "Criar uma chave", en: "Create a key" },
  label: { "pt-BR": "Nome", en: "Name" },
  labelHint: { "pt-BR": "Para que ela serve; aparece nos arquivos.", en: "What it is for; it is shown in files." },
  mode: { "pt-BR": "Modo", en: "Mode" },
  liveChoice: { "pt-BR": "produção: chega à Claro e é cobrada", en: "live: reaches Claro and is charged" },
  testChoice: { "pt-BR": "teste: responde o sandbox, sem custo", en: "test: the sandbox answers, at no cost" },
  allowedIps: { "pt-BR": "Endereços permitidos", en: "Allowed addresses" },
  allowedIpsHint: {
    "pt-BR": "IP ou CIDR, separados por vírgula; vazio: como a chave desta sessão.",
    en: "IPs or CIDR ranges, separated by commas; empty: as this session's key.",
  },
  expiresHint: { "pt-BR": "Vazio: como a chave desta sessão.", en: "Empty: as this session's key." },
  rotate: { "pt-BR": "Trocar", en: "Rotate" },
  rotateNote: {
    "pt-BR": "Cria uma chave com os mesmos direitos. A antiga continua valendo durante a sobreposição.",
    en: "Makes a key with the same rights. The old one goes on during the overlap.",
  },
  overlap: { "pt-BR": "Sobreposição", en: "Overlap" },
  revoke: { "pt-BR": "Revogar", en: "Revoke" },
  revokeNote: {
    "pt-BR":
      "A chave deixa de valer na próxima requisição, para sempre. Para confirmar, escreva os últimos 4 caracteres do id:",
    en: "The key fails on its very next request, for good. To confirm, write the last 4 characters of its id:",
  },
  confirm: { "pt-BR": "Confirmação", en: "Confirmation" },
  manage: { "pt-BR": "Ações", en: "Actions" },
  cannotManage: {
    "pt-BR": "Para criar, trocar ou revogar chaves aqui, entre com uma chave que tenha o escopo",
    en: "To create, rotate or revoke keys here, sign in with a key that has the scope",
  },
  made: { "pt-BR": "Sua nova chave", en: "Your new key" },
  copyNow: {
    "pt-BR": "Copie-a agora: ela não será mostrada de novo.",
    en: "Copy it now: it is not shown again.",
  },
  backToKeys: { "pt-BR": "Voltar às chaves", en: "Back to the keys" },
  wasRevoked: { "pt-BR": "A chave foi revogada.", en: "The key is revoked." },
} as const satisfies Readonly<Record<string, Text>>;
