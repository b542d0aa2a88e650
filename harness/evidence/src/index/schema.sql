-- The index of an evidence folder, version 1 (PRAGMA user_version). docs/serve/index.md explains it.
-- Times are UTC (RFC 3339). Packets are numbered through the captures of a run, as its reports number them.

-- A life of the server.
CREATE TABLE runs (
  id INTEGER PRIMARY KEY,
  first_capture TEXT NOT NULL UNIQUE,
  profile TEXT NOT NULL,
  -- 1 once every session of it is here; 0 while it goes on, and for ever after a kill.
  complete INTEGER NOT NULL DEFAULT 0
) STRICT;

-- The captures of a run. Packet P of the run is packet P - first_packet + 1 of the file, as Wireshark counts.
CREATE TABLE captures (
  run INTEGER NOT NULL REFERENCES runs (id),
  name TEXT NOT NULL,
  first_packet INTEGER NOT NULL,
  PRIMARY KEY (run, first_packet, name)
) STRICT, WITHOUT ROWID;

-- A session: one TCP connection, in the order in which they ended.
CREATE TABLE sessions (
  id INTEGER PRIMARY KEY,
  run INTEGER NOT NULL REFERENCES runs (id),
  name TEXT NOT NULL,
  client TEXT NOT NULL,
  client_port INTEGER NOT NULL,
  server TEXT NOT NULL,
  server_port INTEGER NOT NULL,
  protocol TEXT NOT NULL,
  began TEXT NOT NULL,
  ended TEXT NOT NULL,
  first_packet INTEGER,
  last_packet INTEGER,
  client_octets INTEGER NOT NULL,
  server_octets INTEGER NOT NULL,
  missing_octets INTEGER NOT NULL,
  -- What the client called itself.
  helo TEXT,
  -- starttls or implicit, where TLS began; version and suite where the server chose them.
  tls TEXT,
  tls_established INTEGER,
  tls_version TEXT,
  cipher_suite TEXT,
  messages INTEGER NOT NULL,
  accepted INTEGER NOT NULL,
  passed INTEGER NOT NULL,
  failed INTEGER NOT NULL,
  inconclusive INTEGER NOT NULL,
  recorded INTEGER NOT NULL,
  not_applicable INTEGER NOT NULL,
  errors INTEGER NOT NULL,
  UNIQUE (run, name)
) STRICT;
CREATE INDEX sessions_began ON sessions (began);

-- A mail transaction. The last three columns are there where messages are stored (serve --messages).
CREATE TABLE messages (
  id INTEGER PRIMARY KEY,
  session INTEGER NOT NULL REFERENCES sessions (id),
  number INTEGER NOT NULL,
  reverse_path TEXT NOT NULL,
  -- 1 or 0 as the server answered; NULL where that was not seen, or no content was sent.
  accepted INTEGER,
  message_id TEXT,
  subject TEXT,
  -- Octets of the content on the wire, stuffed dots and the final dot included.
  wire_octets INTEGER,
  -- readable, encrypted, partly-encrypted, open-pgp, not-whole, undecided, empty.
  body TEXT,
  under_tls INTEGER NOT NULL,
  -- Packet of the MAIL command.
  packet INTEGER,
  -- Octets and SHA-256 of the content as it is stored, and where it is, from the folder on.
  size INTEGER,
  sha256 TEXT,
  file TEXT
) STRICT;
CREATE INDEX messages_session ON messages (session);
CREATE INDEX messages_sha256 ON messages (sha256);
CREATE INDEX messages_message_id ON messages (message_id);

CREATE TABLE recipients (
  message INTEGER NOT NULL REFERENCES messages (id),
  address TEXT NOT NULL,
  accepted INTEGER
) STRICT;
CREATE INDEX recipients_message ON recipients (message);
CREATE INDEX recipients_address ON recipients (address);

-- A login. Never a secret.
CREATE TABLE identities (
  session INTEGER NOT NULL REFERENCES sessions (id),
  mechanism TEXT NOT NULL,
  user TEXT,
  domain TEXT,
  workstation TEXT,
  claimed_os TEXT,
  -- Which response NTLM sent.
  response TEXT,
  outcome TEXT NOT NULL,
  -- nothing, hidden, unknown, guessable, recoverable.
  exposure TEXT NOT NULL,
  under_tls INTEGER NOT NULL,
  packet INTEGER
) STRICT;
CREATE INDEX identities_session ON identities (session);
CREATE INDEX identities_user ON identities (user);

-- What a session gave away to whoever reads the wire.
CREATE TABLE exposures (
  session INTEGER NOT NULL REFERENCES sessions (id),
  -- password, response, known-password, content, weak-tls, host, address, software.
  kind TEXT NOT NULL,
  what TEXT NOT NULL,
  place TEXT NOT NULL,
  packet INTEGER
) STRICT;
CREATE INDEX exposures_session ON exposures (session);
CREATE INDEX exposures_kind ON exposures (kind);

-- Reasons repeat: each stands here once.
CREATE TABLE reasons (
  id INTEGER PRIMARY KEY,
  text TEXT NOT NULL UNIQUE
) STRICT;

-- Verdicts; a claim without a row is not applicable. The view is what to read.
CREATE TABLE verdict_rows (
  session INTEGER NOT NULL REFERENCES sessions (id),
  claim TEXT NOT NULL,
  -- pass, fail, inconclusive, recorded, error.
  verdict TEXT NOT NULL,
  reason INTEGER NOT NULL REFERENCES reasons (id),
  -- A JSON array of numbers; NULL where no packet shows it.
  packets TEXT,
  PRIMARY KEY (session, claim)
) STRICT, WITHOUT ROWID;
CREATE VIEW verdicts AS
  SELECT v.session, v.claim, v.verdict, r.text AS reason, v.packets
  FROM verdict_rows v JOIN reasons r ON r.id = v.reason;
CREATE INDEX verdict_rows_failed ON verdict_rows (claim, session) WHERE verdict = 'fail';

-- The whole of a session as results have it (a conversation of smtpspec.result/1): JSON, raw DEFLATE.
CREATE TABLE details (
  session INTEGER PRIMARY KEY REFERENCES sessions (id),
  json BLOB NOT NULL
) STRICT;

-- Stored messages whose session has not ended yet.
CREATE TABLE pending (
  id INTEGER PRIMARY KEY,
  file TEXT NOT NULL UNIQUE,
  time TEXT NOT NULL,
  peer TEXT NOT NULL,
  sender TEXT NOT NULL,
  recipients TEXT NOT NULL,
  under_tls INTEGER NOT NULL,
  size INTEGER NOT NULL,
  sha256 TEXT NOT NULL
) STRICT;
CREATE INDEX pending_peer ON pending (peer);

-- How far the journal of the folder was read, in bytes.
CREATE TABLE journal (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  read_to INTEGER NOT NULL
) STRICT;
INSERT INTO journal VALUES (1, 0);

-- In which capture a session begins, with the number that Wireshark shows for its first packet.
CREATE VIEW places AS
  SELECT s.id AS session,
    (SELECT c.name FROM captures c WHERE c.run = s.run AND c.first_packet <= s.first_packet
     ORDER BY c.first_packet DESC, c.name DESC LIMIT 1) AS capture,
    s.first_packet - (SELECT max(c.first_packet) FROM captures c
     WHERE c.run = s.run AND c.first_packet <= s.first_packet) + 1 AS packet
  FROM sessions s;
