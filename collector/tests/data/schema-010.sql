PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE setting (
    key   TEXT PRIMARY KEY,   -- operator_name, address, …
    value TEXT NOT NULL
);
INSERT INTO setting VALUES('operator_name','Prøve-CSIRT');
INSERT INTO setting VALUES('address','127.0.0.1:30231');
INSERT INTO setting VALUES('list_key_mode','online');
INSERT INTO setting VALUES('confidential_key','9711bdbdc58bed8bd74de2f20eeefdee9d1ef352768fceab7085ea4c5cac5d62');
INSERT INTO setting VALUES('newest_word_all','{"signed":{"channel":"all","revision":1,"manifest_sha256":"24faeadaaaf504c2a87a40a1e5879fd9223b57343b06efde1e1b8788510dde32","at":"2026-11-30T00:43:30.963095Z"},"signatures":[{"key":"acae806e1c5f86530c3bd68934f6b990","signature":"4189d31fbcb13e0c7399052416cd8739c5dd2702224c228aff4a02d17d4db8dc8901f55c2a170b00ba94ca079427b911bcec79d01662e6efa0eadf377754ea01"}]}');
CREATE TABLE member (
    id       INTEGER PRIMARY KEY,
    number   TEXT    NOT NULL UNIQUE,   -- kommunenummer and the like, with its leading zero
    name     TEXT    NOT NULL,
    added_at BIGINT  NOT NULL
, language TEXT NOT NULL DEFAULT 'neutral', covered BIGINT, supplier TEXT);
INSERT INTO member VALUES(1,'3407','Gjøvik',1795999410908805,'nynorsk',1,'IKT Øst');
INSERT INTO member VALUES(2,'0301','Oslo',1795999410922827,'neutral',NULL,NULL);
CREATE TABLE sensor (
    id                  INTEGER PRIMARY KEY,
    member_id           BIGINT NOT NULL REFERENCES member (id),
    token_created_at    BIGINT NOT NULL,
    token_expires_at    BIGINT NOT NULL,
    token_secret_sha256 BLOB   NOT NULL,
    enrolled_at         BIGINT,            -- set once, in the statement that consumes the token
    spki_sha256         BLOB,              -- SHA-256 of the public key (SubjectPublicKeyInfo, DER): its identity at handshake
    revoked_at          BIGINT,
    agent_version       TEXT,
    epoch               TEXT,              -- spool lifetime last seen, 32 hex digits
    committed_seq       BIGINT NOT NULL DEFAULT 0,   -- in that epoch
    revision            BIGINT NOT NULL DEFAULT 0,   -- list in force
    revision_since      BIGINT,
    refused_revision_at BIGINT,            -- last refusal of a list
    refused_why         TEXT,
    last_connected_at   BIGINT,
    last_seen_at        BIGINT,            -- last heartbeat or batch
    connected           BIGINT NOT NULL DEFAULT 0,   -- 1 while a session stands; all 0 at start
    heartbeat           TEXT               -- the newest heartbeat as JSON
, protocol BIGINT, replayed BIGINT NOT NULL DEFAULT 0, passed_over BIGINT NOT NULL DEFAULT 0, set_back_at BIGINT, quarantined_at BIGINT, renew_epoch BIGINT NOT NULL DEFAULT 0, carrier TEXT, certificate_until BIGINT, spki_next_sha256 BLOB, certificate_next_until BIGINT, spki_before_sha256 BLOB, renewed_at BIGINT, renewals_from BIGINT, renewals BIGINT NOT NULL DEFAULT 0, renewal_refused_at BIGINT, renewal_refused_why TEXT, pending_at BIGINT, pending_spki_sha256 BLOB, approved_at BIGINT, replaces BIGINT, root_version BIGINT, root_refused_at BIGINT, root_refused_why TEXT, freshness TEXT, newest_told_at BIGINT, newest_refused_at BIGINT, newest_refused_why TEXT, channel TEXT NOT NULL DEFAULT 'all', channel_word BLOB, channel_at BIGINT, follows TEXT, channel_refused_why TEXT);
INSERT INTO sensor VALUES(1,1,1795999410975155,1796258610975155,X'9669d05e32ca6f30b8911e547f49f2518b735c275f98a3a3d35da7fad5ffe6a2',1795999411040194,X'2fc83848f99524c109626eda79c76a546a9603bc55985ba574e26d0df767c1ff',NULL,'0.1.0','2eb3c8b28a5ea3bcd8ba2d0f44fd0148',4,1,1795999411379340,NULL,NULL,1795999411366724,1795999411385298,0,'{"alerts":0,"blind":{"doh_flows":0,"doh_hellos":0,"doq_flows":0,"dot_flows":0,"ech_hellos":0,"flows":0,"hellos":0,"unexplained_flows":0},"clock":"2026-11-30T00:43:31.374744Z","clock_offset_us":360,"cpu_ms":30,"disk_free_octets":69938114560,"dns_messages":0,"dns_refused":0,"dropped":0,"drops_unknown":0,"evicted":0,"evictions":{"answers":0,"flows":0,"folding":0,"fragments":0,"other":0,"pairings":0,"streams":0},"flows":0,"indicators":0,"last_packet_ms":null,"matching":null,"memory_octets":20361216,"octets":0,"packets":0,"records_lost":0,"records_resent":0,"refusals":{},"refused":0,"revision":0,"sightings":0,"sources":1,"spool_age_s":0,"spool_octets":69,"spool_waiting":1,"uptime_s":0}',3,0,0,NULL,NULL,1,'tcp',1798591411000000,X'0000000000000000000000000000000000000000000000000000000000000000',1798591411000001,NULL,1795999411385298,1795999411385298,1,NULL,NULL,NULL,NULL,NULL,NULL,1,NULL,NULL,'fresh',NULL,NULL,NULL,'pilot',X'7b7d',1795000000000000,'pilot',NULL);
INSERT INTO sensor VALUES(2,2,1795999411502625,1796258611502625,X'fdd4c811de8352eb28773bd37cda81814f9b55264b47ac5640a48696937fb2e2',1795999411540643,X'9dbd83d33800d7380eefd2b451f059edcdabee123839d54eb88a24d9ea78ad6d',NULL,'0.1.0','eb69881c0c732d52949f0579d614f7f2',4,1,1795999411674164,NULL,NULL,1795999411665777,1795999411680678,0,'{"alerts":0,"blind":{"doh_flows":0,"doh_hellos":0,"doq_flows":0,"dot_flows":0,"ech_hellos":0,"flows":0,"hellos":0,"unexplained_flows":0},"clock":"2026-11-30T00:43:31.670504Z","clock_offset_us":-67,"cpu_ms":20,"disk_free_octets":69937725440,"dns_messages":0,"dns_refused":0,"dropped":0,"drops_unknown":0,"evicted":0,"evictions":{"answers":0,"flows":0,"folding":0,"fragments":0,"other":0,"pairings":0,"streams":0},"flows":0,"indicators":0,"last_packet_ms":null,"matching":null,"memory_octets":19976192,"octets":0,"packets":0,"records_lost":0,"records_resent":0,"refusals":{},"refused":0,"revision":0,"sightings":0,"sources":1,"spool_age_s":0,"spool_octets":69,"spool_waiting":1,"uptime_s":0}',3,3,2,1795999411680678,1795999411680678,0,'quic',1798591411000000,NULL,NULL,NULL,NULL,NULL,0,1795999411680678,'toolate',NULL,NULL,NULL,NULL,1,1795999411680678,'unsigned','behind',NULL,1795999411680678,'older','all',NULL,NULL,'all','older');
CREATE TABLE site (
    sensor_id BIGINT NOT NULL REFERENCES sensor (id),
    site      BIGINT NOT NULL,
    member_id BIGINT NOT NULL REFERENCES member (id), named BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (sensor_id, site)
);
INSERT INTO site VALUES(1,0,1,1);
INSERT INTO site VALUES(2,0,2,1);
INSERT INTO site VALUES(2,4,1,1);
CREATE TABLE heartbeat (
    sensor_id BIGINT NOT NULL REFERENCES sensor (id),
    at        BIGINT NOT NULL,
    body      TEXT   NOT NULL,             -- JSON
    PRIMARY KEY (sensor_id, at)
);
INSERT INTO heartbeat VALUES(1,1795999411375514,'{"alerts":0,"blind":{"doh_flows":0,"doh_hellos":0,"doq_flows":0,"dot_flows":0,"ech_hellos":0,"flows":0,"hellos":0,"unexplained_flows":0},"clock":"2026-11-30T00:43:31.374744Z","clock_offset_us":360,"cpu_ms":30,"disk_free_octets":69938114560,"dns_messages":0,"dns_refused":0,"dropped":0,"drops_unknown":0,"evicted":0,"evictions":{"answers":0,"flows":0,"folding":0,"fragments":0,"other":0,"pairings":0,"streams":0},"flows":0,"indicators":0,"last_packet_ms":null,"matching":null,"memory_octets":20361216,"octets":0,"packets":0,"records_lost":0,"records_resent":0,"refusals":{},"refused":0,"revision":0,"sightings":0,"sources":1,"spool_age_s":0,"spool_octets":69,"spool_waiting":1,"uptime_s":0}');
INSERT INTO heartbeat VALUES(2,1795999411672201,'{"alerts":0,"blind":{"doh_flows":0,"doh_hellos":0,"doq_flows":0,"dot_flows":0,"ech_hellos":0,"flows":0,"hellos":0,"unexplained_flows":0},"clock":"2026-11-30T00:43:31.670504Z","clock_offset_us":-67,"cpu_ms":20,"disk_free_octets":69937725440,"dns_messages":0,"dns_refused":0,"dropped":0,"drops_unknown":0,"evicted":0,"evictions":{"answers":0,"flows":0,"folding":0,"fragments":0,"other":0,"pairings":0,"streams":0},"flows":0,"indicators":0,"last_packet_ms":null,"matching":null,"memory_octets":19976192,"octets":0,"packets":0,"records_lost":0,"records_resent":0,"refusals":{},"refused":0,"revision":0,"sightings":0,"sources":1,"spool_age_s":0,"spool_octets":69,"spool_waiting":1,"uptime_s":0}');
CREATE TABLE indicator (
    id           INTEGER PRIMARY KEY,
    pattern      TEXT    NOT NULL UNIQUE,  -- as plain lists write it, canonical: `=` in front of an exact host
    kind         TEXT    NOT NULL,
    source       TEXT    NOT NULL,         -- file name or what import --source says
    threat       TEXT,                     -- what it belongs to, if named
    confidence   BIGINT  NOT NULL,         -- 0-100
    severity     BIGINT  NOT NULL,         -- 0 info … 4 critical
    tlp          TEXT    NOT NULL,
    valid_from   BIGINT,
    valid_until  BIGINT,
    exercise     BIGINT  NOT NULL DEFAULT 0,
    received_at  BIGINT  NOT NULL,
    published_at BIGINT,                   -- first publication
    published_in BIGINT                    -- its revision
);
INSERT INTO indicator VALUES(1,'vond.example','domain','import.txt',NULL,50,2,'TLP:AMBER',NULL,NULL,0,1795999410938657,1795999410952291,1);
CREATE TABLE list_revision (
    revision     INTEGER PRIMARY KEY,
    manifest     BLOB    NOT NULL,         -- signed JSON, as sent
    base         BLOB    NOT NULL,
    count        BIGINT  NOT NULL,
    published_at BIGINT  NOT NULL
, older_manifest BLOB, channel TEXT NOT NULL DEFAULT 'all', overlay BLOB, base_revision BIGINT);
INSERT INTO list_revision VALUES(1,X'7b227369676e6564223a7b226368616e6e656c223a22616c6c222c227265766973696f6e223a312c2263726561746564223a22323032362d31312d33305430303a34333a33302e3935323239315a222c2265787069726573223a22323032362d31322d33305430303a34333a33302e3935323239315a222c22636f756e74223a312c22626173655f6f6374657473223a3532362c22626173655f626c616b6533223a2261663261326235643430653139386166353166323234366664363161383764376665316665363936333464393238653931613935633837366238316539663363222c22636f6e74656e745f626c616b6533223a2234666136616637346638626561636265656331613464396462386232623531633436336630643830366432636133646233313635393334396530646664653237222c226d696e696d756d5f6167656e74223a22302e312e30227d2c227369676e617475726573223a5b7b226b6579223a223532376433326539326135633033333137656131613531383265343337343539222c227369676e6174757265223a226639383864636238653362373738633738373533313036626333376332653939323339636634306633393966373465623233376164303865653731653966326539653836633666376466353763313539373731333937336166313331616238363264613766313237333632393235323936623762386335396666333762353032227d5d7d',X'564152444542413101000000400100000e020000000000000100000000000000066efa64d44d1513defcd90e486f1cd59711bdbdc58bed8bd74de2f20eeefdee9d1ef352768fceab7085ea4c5cac5d620100000000000000000000000000000002000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000400100000000000040000000000000008001000000000000000000000000000080010000000000000800000000000000c001000000000000180000000000000000020000000000000e00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000010000000000010000000004000000000000002000000000002000000000000000e0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000320202000000000000000000000000000000000000000000000000000000000000000000000000000000000000000d04766f6e64076578616d706c65',1,1795999410952291,NULL,'all',NULL,NULL);
CREATE TABLE in_force (
    sensor_id BIGINT NOT NULL REFERENCES sensor (id),
    revision  BIGINT NOT NULL,
    since     BIGINT NOT NULL,             -- the sensor's clock
    heard_at  BIGINT NOT NULL,             -- ours
    PRIMARY KEY (sensor_id, revision)
);
INSERT INTO in_force VALUES(1,1,1795999411379340,1795999411379731);
INSERT INTO in_force VALUES(2,1,1795999411674164,1795999411674302);
CREATE TABLE record (
    sensor_id   BIGINT NOT NULL REFERENCES sensor (id),
    epoch       TEXT   NOT NULL,
    seq         BIGINT NOT NULL,
    received_at BIGINT NOT NULL,
    octets      BLOB   NOT NULL,           -- as the spool held it
    PRIMARY KEY (sensor_id, epoch, seq)
);
INSERT INTO record VALUES(1,'2eb3c8b28a5ea3bcd8ba2d0f44fd0148',1,1795999411375173,X'fda415dc65e7c20c00030005302e312e30');
INSERT INTO record VALUES(1,'2eb3c8b28a5ea3bcd8ba2d0f44fd0148',2,1795999411380309,X'fd5839dd65e7c20c0003010101');
INSERT INTO record VALUES(1,'2eb3c8b28a5ea3bcd8ba2d0f44fd0148',3,1795999411382947,X'fdca49dd65e7c20c000000010102000001fd6643426a900347b00001010100020000000000013511fde2aadb65e7c20c00fd02aedb65e7c20c0001');
INSERT INTO record VALUES(1,'2eb3c8b28a5ea3bcd8ba2d0f44fd0148',4,1795999411382947,X'fd8c51dd65e7c20c00010300fde2aadb65e7c20c00fd02aedb65e7c20c0002000000000135110001');
INSERT INTO record VALUES(2,'eb69881c0c732d52949f0579d614f7f2',1,1795999411671938,X'fd841ce565e7c20c00030005302e312e30');
INSERT INTO record VALUES(2,'eb69881c0c732d52949f0579d614f7f2',2,1795999411677873,X'fdc438e665e7c20c0003010101');
INSERT INTO record VALUES(2,'eb69881c0c732d52949f0579d614f7f2',3,1795999411677873,X'fdb844e665e7c20c000000010102000001fdcf4292a8f5e711a90001010100020000000000013511fd1cdae465e7c20c00fd3cdde465e7c20c0001');
INSERT INTO record VALUES(2,'eb69881c0c732d52949f0579d614f7f2',4,1795999411677873,X'fdac45e665e7c20c00010300fd1cdae465e7c20c00fd3cdde465e7c20c0002000000000135110001');
CREATE TABLE campaign (
    id         INTEGER PRIMARY KEY,
    uuid       TEXT   NOT NULL UNIQUE,
    link_kind  TEXT   NOT NULL,            -- 'indicator' or 'threat': what its incidents share
    link_value TEXT   NOT NULL,            -- indicator id, or the threat's name
    title      TEXT   NOT NULL,
    exercise   BIGINT NOT NULL DEFAULT 0,
    opened_at  BIGINT NOT NULL,            -- when it was concluded
    first_seen BIGINT NOT NULL,            -- earliest sighting
    last_seen  BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
, departed BIGINT NOT NULL DEFAULT 0);
INSERT INTO campaign VALUES(1,'3988d21c-2d35-5f7f-8e43-aec173697166','indicator','1','vond.example',0,1795999411677873,1795999411328369,1795999411629726,1795999411677873,0);
CREATE TABLE incident (
    id          INTEGER PRIMARY KEY,
    uuid        TEXT   NOT NULL UNIQUE,
    member_id   BIGINT NOT NULL REFERENCES member (id),
    link_kind   TEXT   NOT NULL,
    link_value  TEXT   NOT NULL,
    title       TEXT   NOT NULL,
    exercise    BIGINT NOT NULL DEFAULT 0,
    campaign_id BIGINT REFERENCES campaign (id),
    opened_at   BIGINT NOT NULL,
    first_seen  BIGINT NOT NULL,
    last_seen   BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL
);
INSERT INTO incident VALUES(1,'35f1532e-2088-5958-ba27-56579612d928',1,'indicator','1','vond.example',0,1,1795999411382947,1795999411328369,1795999411328769,1795999411382947);
INSERT INTO incident VALUES(2,'7b67be5b-6582-5738-9347-437546289411',2,'indicator','1','vond.example',0,1,1795999411677873,1795999411629326,1795999411629726,1795999411677873);
CREATE TABLE alert (
    id                 INTEGER PRIMARY KEY,
    uuid               TEXT   NOT NULL UNIQUE,
    sensor_id          BIGINT NOT NULL REFERENCES sensor (id),
    epoch              TEXT   NOT NULL,
    seq                BIGINT NOT NULL,    -- of the record that opened it
    member_id          BIGINT NOT NULL REFERENCES member (id),
    site               BIGINT NOT NULL,
    indicator_id       BIGINT NOT NULL REFERENCES indicator (id),
    revision           BIGINT NOT NULL,
    client             TEXT,               -- pseudonym, H-…; null = no host
    zone               BIGINT NOT NULL,
    zone_levels        TEXT   NOT NULL,    -- K, I, T as three digits 0-2
    direction          TEXT   NOT NULL,
    evidence           BIGINT NOT NULL,    -- 0 blocked … 5 data_out
    by_resolver        BIGINT NOT NULL,
    looked_up_by_other BIGINT NOT NULL,
    possible_contact   BIGINT NOT NULL,
    labels_left        BIGINT NOT NULL,
    server             TEXT,
    port               BIGINT,
    protocol           BIGINT NOT NULL,
    severity           BIGINT NOT NULL,
    exercise           BIGINT NOT NULL,
    retro              BIGINT NOT NULL,
    first_seen         BIGINT NOT NULL,
    last_seen          BIGINT NOT NULL,
    count              BIGINT NOT NULL,
    regularity         TEXT,               -- JSON {contacts, median_interval_ms, spread_ms}
    arrived_at         BIGINT NOT NULL,
    updated_at         BIGINT NOT NULL,
    closed             BIGINT NOT NULL DEFAULT 0,
    incident_id        BIGINT REFERENCES incident (id), hosts BIGINT,
    UNIQUE (sensor_id, epoch, seq)
);
INSERT INTO alert VALUES(1,'d66540f3-2f3e-5c53-b0a1-8fb37c4ad7db',1,'2eb3c8b28a5ea3bcd8ba2d0f44fd0148',3,1,0,1,1,'H-B0HR3J1N44GV6',0,'111','outbound',2,0,0,0,0,NULL,53,17,2,0,0,1795999411328369,1795999411328769,1,NULL,1795999411382947,1795999411382947,1,1,NULL);
INSERT INTO alert VALUES(2,'de4ba1e0-83bd-570a-a95c-ab513f102399',2,'eb69881c0c732d52949f0579d614f7f2',3,2,0,1,1,NULL,0,'111','outbound',2,0,0,0,0,NULL,53,17,2,0,0,1795999411629326,1795999411629726,1,NULL,1795999411677873,1795999411677873,1,2,3000);
CREATE TABLE sensor_event (
    sensor_id   BIGINT NOT NULL REFERENCES sensor (id),
    epoch       TEXT   NOT NULL,
    seq         BIGINT NOT NULL,
    at          BIGINT NOT NULL,
    received_at BIGINT NOT NULL,
    body        TEXT   NOT NULL,           -- JSON
    PRIMARY KEY (sensor_id, epoch, seq)
);
INSERT INTO sensor_event VALUES(1,'2eb3c8b28a5ea3bcd8ba2d0f44fd0148',1,1795999411342034,1795999411375173,'{"event":"started","version":"0.1.0"}');
INSERT INTO sensor_event VALUES(1,'2eb3c8b28a5ea3bcd8ba2d0f44fd0148',2,1795999411379372,1795999411380309,'{"event":"list_in_force","indicators":1,"revision":1}');
INSERT INTO sensor_event VALUES(2,'eb69881c0c732d52949f0579d614f7f2',1,1795999411637826,1795999411671938,'{"event":"started","version":"0.1.0"}');
INSERT INTO sensor_event VALUES(2,'eb69881c0c732d52949f0579d614f7f2',2,1795999411674210,1795999411677873,'{"event":"list_in_force","indicators":1,"revision":1}');
INSERT INTO sensor_event VALUES(2,'eb69881c0c732d52949f0579d614f7f2',0,1795999411680678,1795999411680678,'{"event":"two_live","greeted_at":null}');
CREATE TABLE merged (
    kind      TEXT   NOT NULL,             -- 'incident' or 'campaign'
    id        BIGINT NOT NULL,
    uuid      TEXT   NOT NULL UNIQUE,
    into_id   BIGINT NOT NULL,             -- the one that goes on
    opened_at BIGINT NOT NULL,
    merged_at BIGINT NOT NULL,
    PRIMARY KEY (kind, id)
);
CREATE TABLE sensor_mark (
    sensor_id BIGINT NOT NULL REFERENCES sensor (id),
    number    BIGINT NOT NULL,             -- 1, 2, 3 …
    mark      TEXT   NOT NULL,             -- 32 hex digits
    follows   BIGINT,                      -- number of the mark the sensor said when it was given this one
    given_at  BIGINT NOT NULL,
    PRIMARY KEY (sensor_id, number)
);
INSERT INTO sensor_mark VALUES(1,1,'becbc6a9a41c4319925c8635313d7907',NULL,1795999411366724);
INSERT INTO sensor_mark VALUES(2,1,'f605b1ba1bf4fb85cc441e873862ad8d',NULL,1795999411665777);
CREATE TABLE root_document (
    version  INTEGER PRIMARY KEY,
    document BLOB    NOT NULL,
    expires  BIGINT  NOT NULL,
    kept_at  BIGINT  NOT NULL
);
INSERT INTO root_document VALUES(1,X'7b227369676e6564223a7b2276657273696f6e223a312c2265787069726573223a22323032372d31312d33305430303a34333a33302e3832333839395a222c226b657973223a7b223365336164653863623365393166313665303734613630653664613630643037223a2264363861396237343164323961333063623961333134376432626339376639346539653633376135353865333339613430623637393138373434313533323036222c223532376433326539326135633033333137656131613531383265343337343539223a2262386436643030393962303039636463363762613838363764656666353266313034326262326434626566303834323262303638626563633839666330336638222c226163616538303665316335663836353330633362643638393334663662393930223a2266303439623332616637343836613136386632343933623730306531353761363265333962373164636231343038363664373666623161623533383230356135222c226231313866336339623833653339636434316532326664333634633766363232223a2266383364613130343962316530666331653062333230386631653938346133343238623438356239376563653561626538666138346564653462633531343830222c226466633331353837346237363561303739663163366361373636623231376336223a2239376236326465626633343163663434663230653134336132343939386466383262323165393434383933313532383434363638306338386633366462653932227d2c22726f6c6573223a7b22726f6f74223a7b226b657973223a5b226231313866336339623833653339636434316532326664333634633766363232225d2c227468726573686f6c64223a317d2c226c697374223a7b226b657973223a5b223532376433326539326135633033333137656131613531383265343337343539225d2c227468726573686f6c64223a317d2c2274696d657374616d70223a7b226b657973223a5b226163616538303665316335663836353330633362643638393334663662393930225d2c227468726573686f6c64223a317d2c2268756e74223a7b226b657973223a5b223365336164653863623365393166313665303734613630653664613630643037225d2c227468726573686f6c64223a317d2c226272616b65223a7b226b657973223a5b226466633331353837346237363561303739663163366361373636623231376336225d2c227468726573686f6c64223a317d7d2c226361223a5b2263303865326466613963623330316265353865653137333539386138653366363764663262356131303134313165383933663332316336363632643537633531225d7d2c227369676e617475726573223a5b7b226b6579223a226231313866336339623833653339636434316532326664333634633766363232222c227369676e6174757265223a223932326335373333633565616166663562313237663035666265373061316638633963346435376136663835313435663139393935623665386530323735393661343531386631333730626437383564383365613433663836376436393435353964666637333036383537616238393362353965373938393033343935613064227d5d7d',1827535410823899,1795999410879265);
CREATE TABLE pending_list (
    id          INTEGER PRIMARY KEY CHECK (id = 1),
    revision    BIGINT NOT NULL,
    manifest    BLOB   NOT NULL,         -- signed JSON without signatures
    base        BLOB   NOT NULL,
    up_to_id    BIGINT NOT NULL,         -- indicators up to this number are in it
    count       BIGINT NOT NULL,
    added       BIGINT NOT NULL,         -- beside the list in force
    removed     BIGINT NOT NULL,
    prepared_at BIGINT NOT NULL
, older_manifest BLOB, channel TEXT NOT NULL DEFAULT 'all', overlay BLOB, base_revision BIGINT);
INSERT INTO pending_list VALUES(1,2,X'7b7d',X'00',1,1,0,0,1795000000000000,X'7b7d','all',X'00',1);
CREATE TABLE audit (
    seq      INTEGER PRIMARY KEY,   -- from 1, without gaps
    at       BIGINT NOT NULL,
    who      TEXT   NOT NULL,       -- user of the system, or a part of the program
    what     TEXT   NOT NULL,       -- the command
    on_whom  TEXT   NOT NULL,
    members  TEXT   NOT NULL,       -- numbers of the members it concerns, each between spaces; * = all of them
    was      TEXT   NOT NULL,       -- before, in words
    became   TEXT   NOT NULL,       -- after, in words
    cut_seq  BIGINT,                -- of a checkpoint: entries up to this one were removed, being older than is kept
    cut_hash BLOB,                  -- and this was the hash of the last of them
    hash     BLOB   NOT NULL        -- SHA-256
);
INSERT INTO audit VALUES(1,1795999410814530,'root','init','the collector','','nothing','made in /tmp/.tmpWbCI75/collector',NULL,NULL,X'97704bf7c006f7e92a2b361f0b39d0c76827631b17dd28ec7d75fbaee3c67c38');
INSERT INTO audit VALUES(2,1795999410820631,'root','init','setting operator_name','','not set','Prøve-CSIRT',NULL,NULL,X'5b48bb584f528075f3fdc59ef77a23eafdeececea34e54b0fd4f6d0a8e409bba');
INSERT INTO audit VALUES(3,1795999410822511,'root','init','setting address','','not set','127.0.0.1:30231',NULL,NULL,X'0888dc4c4321ef15dcca04bcb5e6b0e1269057941ec4112dbd337486bf08e971');
INSERT INTO audit VALUES(4,1795999410874990,'root','run','the collector','','not run by a version that has an audit','quic 127.0.0.1:30231, enroll 127.0.0.1:30232, web 127.0.0.1:0, tcp 127.0.0.1:30231, approve_sensors false, heartbeat none',NULL,NULL,X'869e59402747bc238b288158f75b809698509bb94461c55f2ed34663ca5ea38a');
INSERT INTO audit VALUES(5,1795999410908800,'root','member add','member 3407',' 3407 ','no member','Gjøvik',NULL,NULL,X'b6445f8239ba2b2ae8d3f66a49fe519a328cb9cfb29a7c90464b9e02a279b765');
INSERT INTO audit VALUES(6,1795999410922822,'root','member add','member 0301',' 0301 ','no member','Oslo',NULL,NULL,X'97a5e4c578badd58d520867b5f227b41e522699bd5262164d5d245c8fa4bd537');
INSERT INTO audit VALUES(7,1795999410938600,'root','indicator import','indicators','','','import.txt, 13 bytes, SHA-256 fcbd3b6618b395ecfa4ae2b2d951775d973cca23d9b7e3900d2db1fb8ff3644c',NULL,NULL,X'9822492ac9959e6d79244fb42d2c0fb10ca20224198a87e9ca628b16ad5fb469');
INSERT INTO audit VALUES(8,1795999410956372,'root','publish','list 1','','no list of channel all in force','published for channel all: 1 indicators, content 4fa6af74f8beacbeec1a4d9db8b2b51c463f0d806d2ca3db31659349e0dfde27, signed by 527d32e92a5c03317ea1a5182e437459',NULL,NULL,X'178c511236fff6e933bb2038224ff8fa855e21f4d85ed072badb6e46a45c5e27');
INSERT INTO audit VALUES(9,1795999410978937,'root','sensor token','member 3407',' 3407 ','Gjøvik','a token for a new sensor, good until 2026-12-03 00:43:30Z',NULL,NULL,X'2abfc85706d0d62eb47b3293372b7ab9d8a53a3eb2f0533c210bf67a6fa77421');
INSERT INTO audit VALUES(10,1795999411503695,'root','sensor token','member 0301',' 0301 ','Oslo','a token for a new sensor, good until 2026-12-03 00:43:31Z',NULL,NULL,X'b80731ef4e03d24061d36306ba642da5f335f9c26f64952f1954348ee35719ab');
CREATE TABLE former_number (
    number    TEXT   PRIMARY KEY,
    member_id BIGINT NOT NULL REFERENCES member (id),
    name      TEXT   NOT NULL,             -- what the member with this number was called
    until     BIGINT NOT NULL
);
INSERT INTO former_number VALUES('0502',1,'Gjøvik',1795999410908805);
CREATE TABLE joined_member (
    id        BIGINT NOT NULL,             -- its row in member; with added_at no other member ever was it
    added_at  BIGINT NOT NULL,
    into_id   BIGINT NOT NULL REFERENCES member (id),
    joined_at BIGINT NOT NULL,
    PRIMARY KEY (id, added_at)
);
CREATE TABLE member_contact (
    member_id    BIGINT NOT NULL REFERENCES member (id),
    role         TEXT   NOT NULL,          -- it, security, oncall, management or privacy
    name         TEXT   NOT NULL,
    telephone    TEXT,                     -- +4722000000, or a short number of three to six digits
    out_of_hours TEXT,
    email        TEXT,
    confirmed_at BIGINT,                   -- when somebody last found it to be right
    PRIMARY KEY (member_id, role)
);
INSERT INTO member_contact VALUES(1,'it','Kari Nordmann','+4761180011',NULL,NULL,1795999410908805);
CREATE TABLE member_domain (
    member_id BIGINT NOT NULL REFERENCES member (id),
    domain    TEXT   NOT NULL,
    PRIMARY KEY (member_id, domain)
);
CREATE TABLE member_network (
    member_id BIGINT NOT NULL REFERENCES member (id),
    network   TEXT   NOT NULL,             -- public, CIDR
    PRIMARY KEY (member_id, network)
);
CREATE TABLE departure (
    member_id BIGINT NOT NULL,
    added_at  BIGINT NOT NULL,
    left_at   BIGINT NOT NULL,
    PRIMARY KEY (member_id, added_at)
);
INSERT INTO departure VALUES(9,1,2);
CREATE TABLE brake_order (
    number   INTEGER PRIMARY KEY,
    document BLOB    NOT NULL,
    given_at BIGINT  NOT NULL
);
INSERT INTO brake_order VALUES(7,X'7b7d',1795000000000000);
CREATE TABLE brake (
    id           INTEGER PRIMARY KEY,
    indicator_id BIGINT  NOT NULL REFERENCES indicator (id),
    exercise     INTEGER NOT NULL,
    reason       TEXT    NOT NULL,
    since        BIGINT  NOT NULL,
    until        BIGINT  NOT NULL,
    from_order   BIGINT  NOT NULL,   -- counts by this order and later ones are its own ...
    last_order   BIGINT,             -- ... up to this one; none = it was neither released nor ordered anew
    ended_at     BIGINT              -- when that was
);
INSERT INTO brake VALUES(1,1,0,'falsk',1795000000000000,1795003600000000,7,NULL,NULL);
CREATE TABLE sensor_brake (
    sensor_id   BIGINT PRIMARY KEY REFERENCES sensor (id),
    number      BIGINT NOT NULL,     -- the newest it has taken; 0 = none
    taken_at    BIGINT,              -- by its clock
    refused_at  BIGINT,              -- when it last refused one; none since it took one
    refused_why TEXT
);
INSERT INTO sensor_brake VALUES(1,7,1795000000000000,NULL,NULL);
INSERT INTO sensor_brake VALUES(2,0,NULL,1795000000000000,'unsigned');
CREATE TABLE braked_count (
    sensor_id    BIGINT  NOT NULL REFERENCES sensor (id),
    site         INTEGER NOT NULL,
    member_id    BIGINT  NOT NULL REFERENCES member (id),
    indicator_id BIGINT  NOT NULL REFERENCES indicator (id),
    exercise     INTEGER NOT NULL,
    direction    TEXT    NOT NULL,
    brake_order  BIGINT  NOT NULL,
    evidence     INTEGER NOT NULL,   -- 0 blocked ... 5 data_out: the furthest
    count        BIGINT  NOT NULL,
    hosts        BIGINT  NOT NULL,   -- about, the most that were told
    first_seen   BIGINT  NOT NULL,
    last_seen    BIGINT  NOT NULL,
    arrived_at   BIGINT  NOT NULL,   -- the last
    PRIMARY KEY (sensor_id, brake_order, indicator_id, exercise, site, direction)
);
INSERT INTO braked_count VALUES(1,0,1,1,0,'outbound',7,2,300,20,1795000000000000,1795000000000001,1795000000000002);
CREATE INDEX incident_by_topic ON incident (member_id, link_kind, link_value);
CREATE INDEX incident_alone ON incident (link_kind, link_value) WHERE campaign_id IS NULL;
CREATE INDEX incident_by_member ON incident (member_id, last_seen);
CREATE INDEX incident_by_campaign ON incident (campaign_id);
CREATE INDEX alert_by_incident ON alert (incident_id);
CREATE INDEX alert_by_member ON alert (member_id, last_seen);
CREATE INDEX alert_by_indicator ON alert (indicator_id, member_id);
CREATE INDEX merged_by_into ON merged (kind, into_id);
CREATE INDEX campaign_by_link ON campaign (link_kind, link_value);
CREATE INDEX indicator_by_threat ON indicator (threat);
CREATE INDEX alert_without_host ON alert (indicator_id, member_id, last_seen) WHERE client IS NULL;
CREATE INDEX sensor_by_key ON sensor (spki_sha256);
CREATE INDEX sensor_by_next_key ON sensor (spki_next_sha256);
CREATE INDEX audit_cut ON audit (cut_seq) WHERE cut_seq IS NOT NULL;
CREATE INDEX member_by_supplier ON member (supplier) WHERE supplier IS NOT NULL;
CREATE INDEX former_number_by_member ON former_number (member_id);
CREATE INDEX joined_member_by_into ON joined_member (into_id);
CREATE INDEX brake_by_indicator ON brake (indicator_id, exercise);
CREATE INDEX braked_count_by_indicator ON braked_count (indicator_id, exercise, brake_order);
COMMIT;
