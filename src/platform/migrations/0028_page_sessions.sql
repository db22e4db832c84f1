-- Sessions of people in the console and in the portal, and the links that partners sign in with. Of what a cookie or a link
-- holds only a hash is kept, and no e-mail. A session is over when it has ended, when its time is, or when what it was
-- opened with is over: that is asked at each request.
CREATE TABLE page_sessions (
  hash TEXT PRIMARY KEY,
  place TEXT NOT NULL CHECK (place IN ('console', 'portal')),
  kind TEXT NOT NULL CHECK (kind IN ('operator', 'access', 'break_glass', 'key', 'link')),
  subject TEXT NOT NULL,
  tenant_id TEXT,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  ended_at INTEGER
) STRICT;
CREATE INDEX page_sessions_by_expiry ON page_sessions (expires_at);

CREATE TABLE portal_links (
  id TEXT PRIMARY KEY,
  hash TEXT NOT NULL UNIQUE,
  tenant_id TEXT NOT NULL,
  created_by TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  used_at INTEGER,
  revoked_at INTEGER
) STRICT;
CREATE INDEX portal_links_by_tenant ON portal_links (tenant_id, created_at);
CREATE INDEX portal_links_by_expiry ON portal_links (expires_at);
