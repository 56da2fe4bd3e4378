PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE setting (
    key   TEXT PRIMARY KEY,   -- operator_name, address, …
    value TEXT NOT NULL
);
INSERT INTO setting VALUES('operator_name','Prøve-CSIRT');
INSERT INTO setting VALUES('address','127.0.0.1:26611');
INSERT INTO setting VALUES('list_key_mode','online');
CREATE TABLE member (
    id       INTEGER PRIMARY KEY,
    number   TEXT    NOT NULL UNIQUE,   -- kommunenummer and the like, with its leading zero
    name     TEXT    NOT NULL,
    added_at BIGINT  NOT NULL
);
INSERT INTO member VALUES(1,'3407','Gjøvik',1795991880365724);
INSERT INTO member VALUES(2,'0301','Oslo',1795991880410910);
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
, protocol BIGINT, replayed BIGINT NOT NULL DEFAULT 0, passed_over BIGINT NOT NULL DEFAULT 0, set_back_at BIGINT, quarantined_at BIGINT, renew_epoch BIGINT NOT NULL DEFAULT 0, carrier TEXT, certificate_until BIGINT, spki_next_sha256 BLOB, certificate_next_until BIGINT, spki_before_sha256 BLOB, renewed_at BIGINT, renewals_from BIGINT, renewals BIGINT NOT NULL DEFAULT 0, renewal_refused_at BIGINT, renewal_refused_why TEXT, pending_at BIGINT, pending_spki_sha256 BLOB, approved_at BIGINT, replaces BIGINT, root_version BIGINT, root_refused_at BIGINT, root_refused_why TEXT, freshness TEXT, newest_told_at BIGINT, newest_refused_at BIGINT, newest_refused_why TEXT);
INSERT INTO sensor VALUES(1,1,1795991880484232,1796251080484232,X'20ff348cc96654ccca07a5867450e3997bae6fa92ded4a80d2e5ba0f7c62ec4d',1795991880684768,X'9e58a45505f3e461e9b24dbe7a5d7421bdfe0f5b2066a77645286fb721917105',NULL,'0.1.0','5d3bb6a814ff210ad2fde8dbd1b98ffa',4,1,1795991881901008,NULL,NULL,1795991881870863,1795991881919250,0,'{"alerts":0,"blind":{"doh_flows":0,"doh_hellos":0,"doq_flows":0,"dot_flows":0,"ech_hellos":0,"flows":0,"hellos":0,"unexplained_flows":0},"clock":"2026-11-29T22:38:01.883397Z","clock_offset_us":3466,"cpu_ms":20,"disk_free_octets":34485911552,"dns_messages":0,"dns_refused":0,"dropped":0,"drops_unknown":0,"evicted":0,"evictions":{"answers":0,"flows":0,"folding":0,"fragments":0,"other":0,"pairings":0,"streams":0},"flows":0,"indicators":0,"last_packet_ms":null,"matching":null,"memory_octets":18448384,"octets":0,"packets":0,"records_lost":0,"records_resent":0,"refusals":{},"refused":0,"revision":0,"sightings":0,"sources":1,"spool_age_s":0,"spool_octets":69,"spool_waiting":1,"uptime_s":0}',3,0,0,NULL,NULL,1,'tcp',1798583880000000,X'0000000000000000000000000000000000000000000000000000000000000000',1798583880000001,NULL,1795991881919250,1795991881919250,1,NULL,NULL,NULL,NULL,NULL,NULL,1,NULL,NULL,'fresh',1795991880471324,NULL,NULL);
INSERT INTO sensor VALUES(2,2,1795991882082820,1796251082082820,X'6330890da953ac476808b5e6b200cc3b9e1cf6fea1041e7cc733f5c74e14fc8e',1795991882237669,X'c5024d701408fb88178a97c670b72f82a022e261da2ba074d7312461ee3f5ad2',NULL,'0.1.0','2215aa65b33d007687d435904693518e',4,1,1795991882551142,NULL,NULL,1795991882483283,1795991882557923,0,'{"alerts":0,"blind":{"doh_flows":0,"doh_hellos":0,"doq_flows":0,"dot_flows":0,"ech_hellos":0,"flows":0,"hellos":0,"unexplained_flows":0},"clock":"2026-11-29T22:38:02.529299Z","clock_offset_us":-4033,"cpu_ms":30,"disk_free_octets":34479898624,"dns_messages":0,"dns_refused":0,"dropped":0,"drops_unknown":0,"evicted":0,"evictions":{"answers":0,"flows":0,"folding":0,"fragments":0,"other":0,"pairings":0,"streams":0},"flows":0,"indicators":0,"last_packet_ms":null,"matching":null,"memory_octets":18722816,"octets":0,"packets":0,"records_lost":0,"records_resent":0,"refusals":{},"refused":0,"revision":0,"sightings":0,"sources":1,"spool_age_s":0,"spool_octets":69,"spool_waiting":1,"uptime_s":0}',3,3,2,1795991882557923,1795991882557923,0,'quic',1798583882000000,NULL,NULL,NULL,NULL,NULL,0,1795991882557923,'toolate',NULL,NULL,NULL,NULL,1,1795991882557923,'unsigned','behind',NULL,1795991882557923,'older');
CREATE TABLE site (
    sensor_id BIGINT NOT NULL REFERENCES sensor (id),
    site      BIGINT NOT NULL,
    member_id BIGINT NOT NULL REFERENCES member (id),
    PRIMARY KEY (sensor_id, site)
);
INSERT INTO site VALUES(1,0,1);
INSERT INTO site VALUES(2,0,2);
CREATE TABLE heartbeat (
    sensor_id BIGINT NOT NULL REFERENCES sensor (id),
    at        BIGINT NOT NULL,
    body      TEXT   NOT NULL,             -- JSON
    PRIMARY KEY (sensor_id, at)
);
INSERT INTO heartbeat VALUES(1,1795991881894537,'{"alerts":0,"blind":{"doh_flows":0,"doh_hellos":0,"doq_flows":0,"dot_flows":0,"ech_hellos":0,"flows":0,"hellos":0,"unexplained_flows":0},"clock":"2026-11-29T22:38:01.883397Z","clock_offset_us":3466,"cpu_ms":20,"disk_free_octets":34485911552,"dns_messages":0,"dns_refused":0,"dropped":0,"drops_unknown":0,"evicted":0,"evictions":{"answers":0,"flows":0,"folding":0,"fragments":0,"other":0,"pairings":0,"streams":0},"flows":0,"indicators":0,"last_packet_ms":null,"matching":null,"memory_octets":18448384,"octets":0,"packets":0,"records_lost":0,"records_resent":0,"refusals":{},"refused":0,"revision":0,"sightings":0,"sources":1,"spool_age_s":0,"spool_octets":69,"spool_waiting":1,"uptime_s":0}');
INSERT INTO heartbeat VALUES(2,1795991882531811,'{"alerts":0,"blind":{"doh_flows":0,"doh_hellos":0,"doq_flows":0,"dot_flows":0,"ech_hellos":0,"flows":0,"hellos":0,"unexplained_flows":0},"clock":"2026-11-29T22:38:02.529299Z","clock_offset_us":-4033,"cpu_ms":30,"disk_free_octets":34479898624,"dns_messages":0,"dns_refused":0,"dropped":0,"drops_unknown":0,"evicted":0,"evictions":{"answers":0,"flows":0,"folding":0,"fragments":0,"other":0,"pairings":0,"streams":0},"flows":0,"indicators":0,"last_packet_ms":null,"matching":null,"memory_octets":18722816,"octets":0,"packets":0,"records_lost":0,"records_resent":0,"refusals":{},"refused":0,"revision":0,"sightings":0,"sources":1,"spool_age_s":0,"spool_octets":69,"spool_waiting":1,"uptime_s":0}');
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
INSERT INTO indicator VALUES(1,'vond.example','domain','import.txt',NULL,50,2,'TLP:AMBER',NULL,NULL,0,1795991880452592,1795991880461937,1);
CREATE TABLE list_revision (
    revision     INTEGER PRIMARY KEY,
    manifest     BLOB    NOT NULL,         -- signed JSON, as sent
    base         BLOB    NOT NULL,
    count        BIGINT  NOT NULL,
    published_at BIGINT  NOT NULL
);
INSERT INTO list_revision VALUES(1,X'7b227369676e6564223a7b226368616e6e656c223a22616c6c222c227265766973696f6e223a312c2263726561746564223a22323032362d31312d32395432323a33383a30302e3436313933375a222c2265787069726573223a22323032362d31322d32395432323a33383a30302e3436313933375a222c22636f756e74223a312c22626173655f6f6374657473223a3532362c22626173655f626c616b6533223a2236353432346665396661393338633566376339316637303264346332343134363336336462386535393062663739653163386332646462623134303564383139222c22636f6e74656e745f626c616b6533223a2234666136616637346638626561636265656331613464396462386232623531633436336630643830366432636133646233313635393334396530646664653237222c226d696e696d756d5f6167656e74223a22302e312e30227d2c227369676e617475726573223a5b7b226b6579223a226332663334393564626566633037303464323630363663313865363838633832222c227369676e6174757265223a223038386138366430623865316165386431363462336634666332646134613863656134376431346463356436393639343237313331343631313333316663623437346434346433646432613934653938663033356131376662613731346630373830653732663133373962656531346662373365333238666335326265363036227d5d7d',X'564152444542413101000000400100000e02000000000000010000000000000005b0f26638b15cd770026aca5c01bd8900000000000000000000000000000000000000000000000000000000000000000100000000000000000000000000000002000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000400100000000000040000000000000008001000000000000000000000000000080010000000000000800000000000000c001000000000000180000000000000000020000000000000e00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000020000000000000000000000000000000000000200000000000000000000000000000000000c00000000000000000000000000000000000020000000000000e0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000320202000000000000000000000000000000000000000000000000000000000000000000000000000000000000000d04766f6e64076578616d706c65',1,1795991880461937);
CREATE TABLE in_force (
    sensor_id BIGINT NOT NULL REFERENCES sensor (id),
    revision  BIGINT NOT NULL,
    since     BIGINT NOT NULL,             -- the sensor's clock
    heard_at  BIGINT NOT NULL,             -- ours
    PRIMARY KEY (sensor_id, revision)
);
INSERT INTO in_force VALUES(1,1,1795991881901008,1795991881903581);
INSERT INTO in_force VALUES(2,1,1795991882551142,1795991882551706);
CREATE TABLE record (
    sensor_id   BIGINT NOT NULL REFERENCES sensor (id),
    epoch       TEXT   NOT NULL,
    seq         BIGINT NOT NULL,
    received_at BIGINT NOT NULL,
    octets      BLOB   NOT NULL,           -- as the spool held it
    PRIMARY KEY (sensor_id, epoch, seq)
);
INSERT INTO record VALUES(1,'5d3bb6a814ff210ad2fde8dbd1b98ffa',1,1795991881895394,X'fde2bd44e4e3c20c00030005302e312e30');
INSERT INTO record VALUES(1,'5d3bb6a814ff210ad2fde8dbd1b98ffa',2,1795991881906795,X'fd16cf47e4e3c20c0003010101');
INSERT INTO record VALUES(1,'5d3bb6a814ff210ad2fde8dbd1b98ffa',3,1795991881914469,X'fd70ef47e4e3c20c000000010102000001fd25484be98b826d180001010100020000000000013511fd5c2343e4e3c20c00fd7c2643e4e3c20c0001');
INSERT INTO record VALUES(1,'5d3bb6a814ff210ad2fde8dbd1b98ffa',4,1795991881914469,X'fd641c48e4e3c20c00010300fd5c2343e4e3c20c00fd7c2643e4e3c20c0002000000000135110001');
INSERT INTO record VALUES(2,'2215aa65b33d007687d435904693518e',1,1795991882532223,X'fd048f57e4e3c20c00030005302e312e30');
INSERT INTO record VALUES(2,'2215aa65b33d007687d435904693518e',2,1795991882554520,X'fd8e9f5be4e3c20c0003010101');
INSERT INTO record VALUES(2,'2215aa65b33d007687d435904693518e',3,1795991882554520,X'fdfaaa5be4e3c20c000000010102000001fd43948a78449ba1d30001010100020000000000013511fdd20956e4e3c20c00fdf20c56e4e3c20c0001');
INSERT INTO record VALUES(2,'2215aa65b33d007687d435904693518e',4,1795991882554520,X'fd9cab5be4e3c20c00010300fdd20956e4e3c20c00fdf20c56e4e3c20c0002000000000135110001');
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
);
INSERT INTO campaign VALUES(1,'d28b2be2-329d-5a6c-b2bd-c718e8a6ec43','indicator','1','vond.example',0,1795991882554520,1795991881748910,1795991882368633,1795991882554520);
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
INSERT INTO incident VALUES(1,'8e3968d7-93bd-50f6-932c-3287407c9506',1,'indicator','1','vond.example',0,1,1795991881914469,1795991881748910,1795991881749310,1795991881914469);
INSERT INTO incident VALUES(2,'5a05b2f8-1128-5499-b6cd-e247af355354',2,'indicator','1','vond.example',0,1,1795991882554520,1795991882368233,1795991882368633,1795991882554520);
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
INSERT INTO alert VALUES(1,'367c4206-9a2c-5732-8de5-580c31ea4df4',1,'5d3bb6a814ff210ad2fde8dbd1b98ffa',3,1,0,1,1,'H-1GVC2HFMMPJ15',0,'111','outbound',2,0,0,0,0,NULL,53,17,2,0,0,1795991881748910,1795991881749310,1,NULL,1795991881914469,1795991881914469,1,1,NULL);
INSERT INTO alert VALUES(2,'c0f21880-7f10-5c18-92d5-bf68d2149c3b',2,'2215aa65b33d007687d435904693518e',3,2,0,1,1,NULL,0,'111','outbound',2,0,0,0,0,NULL,53,17,2,0,0,1795991882368233,1795991882368633,1,NULL,1795991882554520,1795991882554520,1,2,3000);
CREATE TABLE sensor_event (
    sensor_id   BIGINT NOT NULL REFERENCES sensor (id),
    epoch       TEXT   NOT NULL,
    seq         BIGINT NOT NULL,
    at          BIGINT NOT NULL,
    received_at BIGINT NOT NULL,
    body        TEXT   NOT NULL,           -- JSON
    PRIMARY KEY (sensor_id, epoch, seq)
);
INSERT INTO sensor_event VALUES(1,'5d3bb6a814ff210ad2fde8dbd1b98ffa',1,1795991881801457,1795991881895394,'{"event":"started","version":"0.1.0"}');
INSERT INTO sensor_event VALUES(1,'5d3bb6a814ff210ad2fde8dbd1b98ffa',2,1795991881901963,1795991881906795,'{"event":"list_in_force","indicators":1,"revision":1}');
INSERT INTO sensor_event VALUES(2,'2215aa65b33d007687d435904693518e',1,1795991882418050,1795991882532223,'{"event":"started","version":"0.1.0"}');
INSERT INTO sensor_event VALUES(2,'2215aa65b33d007687d435904693518e',2,1795991882551239,1795991882554520,'{"event":"list_in_force","indicators":1,"revision":1}');
INSERT INTO sensor_event VALUES(2,'2215aa65b33d007687d435904693518e',0,1795991882557923,1795991882557923,'{"event":"two_live","greeted_at":null}');
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
INSERT INTO sensor_mark VALUES(1,1,'aa450136d926f05fed8cc1112f6045fc',NULL,1795991881870863);
INSERT INTO sensor_mark VALUES(2,1,'b210ad4fd53535cd8659a3d058f60d9f',NULL,1795991882483283);
CREATE TABLE root_document (
    version  INTEGER PRIMARY KEY,
    document BLOB    NOT NULL,
    expires  BIGINT  NOT NULL,
    kept_at  BIGINT  NOT NULL
);
INSERT INTO root_document VALUES(1,X'7b227369676e6564223a7b2276657273696f6e223a312c2265787069726573223a22323032372d31312d32395432323a33383a30302e3233303333395a222c226b657973223a7b223034633338303332633333383262346634366535333261623566316534356130223a2239386432616537633238363737626362383431616664663637653031626165636666346334393562303865303965666366303963653730356165373461643137222c223735356339316331636338313437616633633038373734376438353635336264223a2266653939653235636431623364323938316434326630373432346631663833306564313535303832353939346338643337376330623132653965313439386137222c223964353032373033333461393530396561396632363336373134656566666333223a2235333962373563646165616635653164316333346561623061306232346135343330343666643636353635313565363730326437633734613533303834663161222c226332663334393564626566633037303464323630363663313865363838633832223a2262623935656465633261383035363137343830366261366131616439326637373130616632373365336536336631303662666563616337386438346638313761227d2c22726f6c6573223a7b22726f6f74223a7b226b657973223a5b223034633338303332633333383262346634366535333261623566316534356130225d2c227468726573686f6c64223a317d2c226c697374223a7b226b657973223a5b226332663334393564626566633037303464323630363663313865363838633832225d2c227468726573686f6c64223a317d2c2274696d657374616d70223a7b226b657973223a5b223735356339316331636338313437616633633038373734376438353635336264225d2c227468726573686f6c64223a317d2c2268756e74223a7b226b657973223a5b223964353032373033333461393530396561396632363336373134656566666333225d2c227468726573686f6c64223a317d7d2c226361223a5b2235366334303334316339323633636366316661363966373532653630393237383466343234303133663736323039303435316364333430636266336132653335225d7d2c227369676e617475726573223a5b7b226b6579223a223034633338303332633333383262346634366535333261623566316534356130222c227369676e6174757265223a223133316563323830336462653437623263316566623932613266326266393136623361623131633834623864376532323262313862323634386333346465363365626563343033643536643634366564316261306662353565353363346132626465626532313566393766363564313533393465663464353638343234313033227d5d7d',1827527880230339,1795991880328414);
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
);
INSERT INTO pending_list VALUES(1,2,X'7b7d',X'00',1,1,0,0,1795000000000000);
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
INSERT INTO audit VALUES(1,1795991880193767,'root','init','the collector','','nothing','made in /tmp/.tmpYnqlpk/collector',NULL,NULL,X'2d778b62f4c8ce9b7fd5659fb0ccd74aa7bef0f6da2d67ca1cb55efa63f81dab');
INSERT INTO audit VALUES(2,1795991880204550,'root','init','setting operator_name','','not set','Prøve-CSIRT',NULL,NULL,X'bffbdcfc49fd143d0ae687798ea5ed647469056d9054b54e8ed33e503b05c743');
INSERT INTO audit VALUES(3,1795991880210178,'root','init','setting address','','not set','127.0.0.1:26611',NULL,NULL,X'1b059a7c9188d9b88e532f38600d058682cdda13d47550fd359b7ff9e0ae7c0c');
INSERT INTO audit VALUES(4,1795991880326203,'root','run','the collector','','not run by a version that has an audit','quic 127.0.0.1:26611, enroll 127.0.0.1:26612, web 127.0.0.1:0, tcp 127.0.0.1:26611, approve_sensors false',NULL,NULL,X'b838f77f15340e70f036c1a9885fe3f1cb474d7d9849b9558fb922ec936138b5');
INSERT INTO audit VALUES(5,1795991880365719,'root','member add','member 3407',' 3407 ','no member','Gjøvik',NULL,NULL,X'efb20455768de54d755a88f2e5357e4c6ff26238a01247aec22918afbe08c786');
INSERT INTO audit VALUES(6,1795991880410907,'root','member add','member 0301',' 0301 ','no member','Oslo',NULL,NULL,X'42f0964dd90fad624cc2d2ed07331288c355670ab23b790321f39c9aa4964e95');
INSERT INTO audit VALUES(7,1795991880452525,'root','indicator import','indicators','','','import.txt, 13 bytes, SHA-256 fcbd3b6618b395ecfa4ae2b2d951775d973cca23d9b7e3900d2db1fb8ff3644c',NULL,NULL,X'007017273e626d67a1f0a7e1bc888c325fdfaf3258594d5437af677e8f3d9a58');
INSERT INTO audit VALUES(8,1795991880463660,'root','publish','list 1','','no list in force','published: 1 indicators, content 4fa6af74f8beacbeec1a4d9db8b2b51c463f0d806d2ca3db31659349e0dfde27, signed by c2f3495dbefc0704d26066c18e688c82',NULL,NULL,X'424bb523ae1d94c77f262b4397adfe3f15ed1b5c2e3aedca338aac5fa169761b');
INSERT INTO audit VALUES(9,1795991880485811,'root','sensor token','member 3407',' 3407 ','Gjøvik','a token for a new sensor, good until 2026-12-02 22:38:00Z',NULL,NULL,X'7ead6bb676536586ee03372106c9d3f2f6219ce1bd4a93a53586cdd03c2cd5c3');
INSERT INTO audit VALUES(10,1795991882088667,'root','sensor token','member 0301',' 0301 ','Oslo','a token for a new sensor, good until 2026-12-02 22:38:02Z',NULL,NULL,X'c35d82f9b0b7eb06b289df1d17a3a2d98faef5d0c509d666538d87500e448f85');
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
COMMIT;
