import type { Role } from "./endpoint.ts";

/** Whether somebody with these roles may do what asks for `role`: `admin` may all, and each role may read. */
export function mayAct(roles: readonly Role[], role: Role): boolean {
  if (roles.includes("admin") || roles.includes(role)) return true;
  return role === "read" && roles.length > 0;
}
