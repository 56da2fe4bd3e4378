# Skjermtekster, bokmål. $n velger entall og flertall, $shown er tallet slik det skrives.
title-front = Oversikt
skip = Hopp til innholdet
language = Språk
made = Slik det var
summary = Sammendrag
back = ← Til oversikten
unknown = ukjent
none-yet = ingen ennå
ago = for { $span } siden
exercise = ØVELSE
of-total = { $count } av { $total }
of-hundred = { $n } av 100
more = og { $shown } til
cut = Viser { $shown } av { $total }, de med siste treff først.
id-outside = Referanse i andre systemer:
footer-times = Tider er norsk tid; UTC når du holder pekeren over.
footer-ungraded = Ugradert. Gradert informasjon skal ikke legges inn her.
footer-map = Rutekart:
span-seconds = { $shown } s
span-minutes = { $shown } min
span-hours = { $n ->
    [1] 1 time
   *[other] { $shown } timer
}
span-days = { $n ->
    [1] 1 døgn
   *[other] { $shown } døgn
}
# Rundt hver side
nav = Hovedmeny
nav-overview = Oversikt
nav-alerts = Alarmer
nav-incidents = Saker
nav-campaigns = Kampanjer
nav-indicators = Indikatorer
nav-advisories = Varsel
nav-members = Medlemmer
nav-sensors = Sensorer
nav-audit = Revisjon
nav-account = Konto
crumbs = Du er her
view = Visning
scheme = Farger
scheme-auto = Som på maskinen
scheme-light = Lyse
scheme-dark = Mørke
week = uke { $n }
statement = Tilgjengelighetserklæring
statement-none = Tilgjengelighetserklæring: adressen er ikke satt. Sett den slik i collector.toml:
keys-title = Tastatursnarveier
keys-switch = Bruk snarveier på én tast
keys-words = Valget huskes i denne nettleseren. Er snarveiene slått av, finner du listen under «Visning».
keys-close = Lukk
col-key = Tast
col-does = Gjør
key-next = Neste og forrige rad
key-open = Åpne raden
key-select = Merk raden; med Shift alle fra forrige merkede
key-search = Gå til søket
key-go = Gå til { $part }
key-live = Sett oppdateringen på pause, eller fortsett
key-help = Vis denne listen
key-close = Lukk, eller gå ut av raden
key-then = så
# Levende oppdatering
live-on = Oppdateres fortløpende
live-off = Mistet forbindelsen med samleren. Prøver igjen …
live-paused = Satt på pause
live-pause = Pause
live-resume = Fortsett
live-show = Vis
live-one = 1 ny endring
live-many = { $shown } nye endringer
live-updated = Siden er oppdatert:
live-new-one = 1 ny
live-new-many = { $shown } nye
live-moved = Noe har endret rekkefølge
live-poll = Oppdateres hvert halve minutt
# Sammendraget
figure-campaigns = Mulige kampanjer
figure-campaigns-of = { $n ->
    [0] ingen saker ennå
    [1] av 1 sak
   *[other] av { $shown } saker
}
figure-campaigns-of-closed = ingen åpne saker
figure-closed = { $n ->
    [1] 1 lukket kampanje
   *[other] { $shown } lukkede kampanjer
}
figure-exercises = { $n ->
    [1] i tillegg 1 i øvelse
   *[other] i tillegg { $shown } i øvelser
}
figure-hit = Medlemmer i kampanjer
figure-hit-of = { $n ->
    [0] ingen medlemmer ennå
    [1] av 1 medlem
   *[other] av { $shown } medlemmer
}
figure-seeing = Kan se nå
figure-sensors = Sensorer tilkoblet
figure-sensors-of = { $n ->
    [0] ingen sensorer ennå
    [1] av 1 sensor
   *[other] av { $shown } sensorer
}
figure-list = Nyeste liste
figure-list-indicators = { $n ->
    [1] 1 indikator
   *[other] { $shown } indikatorer
}
figure-list-of = { $indicators }; i kraft hos { $holding } av { $sensors } sensorer
# Kampanjer
campaigns = Mulige kampanjer
campaign-possible = Mulig kampanje
campaign-confirmed = Kampanje
campaign-none = ingen kampanje
reach = { $hit } av { $able } medlemmer som kunne se det, er truffet. { $blind } av { $total } kunne ikke se det.
reach-all = { $hit } av { $able } medlemmer er truffet. Alle { $total } kunne se det.
reach-reported = { $hit } medlemmer, hvorav { $reported } meldt av folk. { $seen } av { $able } som kunne se det, har treff; { $blind } av { $total } kunne ikke se det.
reach-reported-blind = { $hit } medlemmer, hvorav { $reported } meldt av folk; ingen sensor kunne se det.
reach-reported-unseen = { $hit } medlemmer, hvorav { $reported } meldt av folk. Sensorer hos { $able } av { $total } kunne se det, og ingen av dem har sett det.
reach-own = Dere er truffet.
reach-own-others = Dere er truffet, og minst { $shown } andre medlemmer.
behind-supplier = bak { $supplier }
counted-shared = { $hit } medlemmer er { $independent } uavhengige: de som er bak samme fellesnett, teller én gang, for ett treff der kan ses hos alle.
counted-departed = { $n ->
    [one] Ett medlem som ble truffet, har gått ut siden; av det er bare dette tallet igjen.
   *[other] { $shown } medlemmer som ble truffet, har gått ut siden; av dem er bare dette tallet igjen.
}
blind-why = Hvorfor noen ikke kan se:
blind-no-sensor = { $n ->
    [1] 1 medlem har ingen sensor
   *[other] { $shown } medlemmer har ingen sensor
}
blind-not-enrolled = { $n ->
    [1] hos 1 medlem var sensoren ikke koblet til
   *[other] hos { $shown } medlemmer var sensoren ikke koblet til
}
blind-revoked = { $n ->
    [1] hos 1 medlem er sensoren stengt ute
   *[other] hos { $shown } medlemmer er sensoren stengt ute
}
blind-silent = { $n ->
    [1] hos 1 medlem er sensoren stille
   *[other] hos { $shown } medlemmer er sensoren stille
}
blind-old-list = { $n ->
    [1] hos 1 medlem har sensoren ikke fått listen
   *[other] hos { $shown } medlemmer har sensoren ikke fått listen
}
blind-no-indicator = { $n ->
    [1] hos 1 medlem har sensoren ingen indikator å se det med
   *[other] hos { $shown } medlemmer har sensoren ingen indikator å se det med
}
blind-unseen = { $n ->
    [1] hos 1 medlem så ikke sensoren det som folk har meldt
   *[other] hos { $shown } medlemmer så ikke sensoren det som folk har meldt
}
blind-no-traffic = { $n ->
    [1] hos 1 medlem når ingen trafikk sensoren
   *[other] hos { $shown } medlemmer når ingen trafikk sensoren
}
scope = Omfang
hosts = { $n ->
    [1] 1 maskin
   *[other] { $shown } maskiner
}
hosts-none = ingen maskin pekt ut
hosts-about = { $n ->
    [1] omtrent 1 maskin
   *[other] omtrent { $shown } maskiner
}
hosts-together = { $n ->
    [1] mange maskiner (omtrent 1)
   *[other] mange maskiner (omtrent { $shown })
}
sightings = { $n ->
    [1] 1 treff
   *[other] { $shown } treff
}
indicators = Indikatorer
indicator-confidential = fortrolig indikator { $id }
members-in-order = Medlemmer i den rekkefølgen de ble truffet
concluded = Sett som kampanje
kind-domain = domene
kind-host = vertsnavn
kind-ipv4 = IPv4-adresse
kind-ipv6 = IPv6-adresse
kind-network = nettverk
# Hvor langt det kom
evidence-unknown = ikke kjent
evidence-blocked = stanset
evidence-looked-up = slått opp
evidence-answered = fikk adresse
evidence-attempted = forsøkt kontakt
evidence-contacted = kontakt
evidence-data-out = data sendt ut
evidence-step = trinn { $step } av 6
severity-info = Info
severity-low = Lav
severity-medium = Middels
severity-high = Høy
severity-critical = Kritisk
# Tomt
next-step = Neste steg:
nothing-no-members = Ingen kampanjer, for det er ingen medlemmer ennå.
nothing-found = Ingen kampanjer. Treff hos 0 av { $able } medlemmer som kan se nå ({ $total } i alt).
nothing-shared = Ingen kampanjer. { $incidents } saker, med treff hos { $hit } av { $total } medlemmer ({ $able } kan se nå), men ingen av dem deles av to uavhengige medlemmer.
next-member = legg til det første medlemmet med nummer og navn.
next-token = lag en engangskode for det første medlemmets sensor; den gjelder i 72 timer.
next-import = les inn en liste med indikatorer.
next-publish = { $n ->
    [1] 1 indikator er lest inn, men ikke publisert til alle; publiser en liste.
   *[other] { $shown } indikatorer er lest inn, men ikke publisert til alle; publiser en liste.
}
next-enroll = koble til en sensor hos et medlem med engangskoden det har fått.
next-wait = ingen. Alle kan se, og siden sier fra når noe kommer.
next-sensors = få de som ikke kan se, til å se; sensorene står lenger ned.
# Saker
incidents = Saker
incidents-none = Ingen saker. En sak er alarmer hos ett medlem som har samme indikator eller trussel.
alerts = Alarmer
alert-open = pågår
col-incident = Sak
col-member = Medlem
col-severity = Alvor
col-severity-listed = Alvor etter listen
col-evidence = Hvor langt det kom
col-first = Først sett
col-last = Sist sett
col-first-last = Først og sist sett
col-hosts = Maskiner
col-sightings = Treff
col-campaign = Kampanje
col-host = Maskin
col-indicator = Indikator
col-server = Server
col-why = Hvorfor
col-order = Nr.
col-kind = Slag
col-threat = Trussel
col-source = Kilde
col-confidence = Tillit
col-number = Nummer
# Sensorer
sensors = Sensorer
sensors-none = Ingen sensorer. Lag en engangskode med «varde-collector sensor token NUMMER» og gi den til medlemmet.
col-sensor = Sensor
col-state = Tilstand
col-list = Liste i kraft
col-packets = Pakker
col-dns = DNS-meldinger
col-flows = Strømmer
col-losses = Tapt / avvist
col-last-packet = Siste pakke
col-spool = I kø / mistet
col-version = Versjon
col-memory = Minne
sensor-connected = tilkoblet
sensor-deaf = tilkoblet, men døv: ingen pakke siden
sensor-deaf-always = tilkoblet, men døv: aldri en pakke
sensor-dropping = taper for mye: { $dropped } av de siste { $total } rammene
sensor-connected-tcp = tilkoblet over TCP (UDP er sperret)
sensor-stalled = tilkoblet, men uten livstegn siden
sensor-silent = stille siden
sensor-never-came = koblet til, men aldri hørt fra siden
sensor-token-waits = venter på å bli koblet til; engangskoden gjelder til
sensor-token-expired = aldri koblet til; engangskoden gikk ut
sensor-waits-approval = venter på godkjenning; ordene er: { $words }
sensor-revoked = stengt ute
sensor-quarantined = i karantene: to maskiner bruker identiteten, siden
sensor-shared = delt sensor
sensor-losses = { $dropped } tapt, { $refused } avvist
sensor-losses-least = minst { $dropped } tapt, { $refused } avvist
sensor-losses-unknown = tapt: ikke kjent, { $refused } avvist
sensor-spool = { $waiting } i kø, { $lost } mistet
list-none-published = ingen liste er publisert
list-none = ingen; nyeste er { $newest }
list-behind = { $held }; nyeste er { $newest }
list-unpublished = { $held }: aldri publisert her
list-newest = { $held } (nyeste)
list-channel = { $list }, kanal { $channel }
list-age = publisert for { $span } siden
list-reach = Liste { $revision } gjelder hos { $inforce } av { $sensors } sensorer. Fra publisering til den gjaldt: halvparten { $half }, 95 % { $most }, alle { $all }.
list-reach-after = etter { $span }
list-reach-not-yet = ikke ennå
# Tillit
col-root = Rotdokument
col-brake = Brems
trust-online = Listenøkkelen ligger på denne samleren: den som tar over maskinen, kan publisere lister.
trust-duty = Vaktnøkkel: listenøkkelen ligger ikke her. En liste gjelder først når en analytiker har signert den på sin egen maskin.
trust-waits = Liste { $revision } venter på signatur: { $count } indikatorer, { $added } nye, { $removed } går ut. Ingen sensor har den ennå.
trust-since = Siden
trust-waits-next = Slik kommer den i kraft:
rollout-pilot = Liste { $list } er hos pilotgruppen ({ $added } nye indikatorer) og går til alle når tiden der er over.
rollout-sent = Liste { $list } går til pilotgruppen først ({ $added } nye indikatorer); ingen sensor der har den ennå.
rollout-silent = Liste { $list } VENTER: ingen sensor i pilotgruppen som har den i kraft, er tilkoblet, så ingen kan si hva den treffer. Se på gruppen, eller publiser på nytt.
rollout-all = Liste { $list } har gått til alle etter pilotgruppen, og følges med på.
rollout-stopped = LISTE { $list } STOPPET AV SEG SELV: indikator { $indicator } traff for mye. Den bare telles, og er tatt ut av alle lister. Resten venter på at noen ser på den. Samleren sier:
rollout-urgent = HASTER: liste { $list } gikk til alle på én gang. Grunn:
trust-root-ends = Rotdokument { $version } går ut
trust-root-ended = ROTDOKUMENT { $version } ER GÅTT UT. Sensorene virker som før, men det neste bør ikke vente. Det gikk ut
trust-root-next = Lag det neste:
trust-root-newest = { $held } (nyeste)
trust-root-held = { $held }
trust-root-behind = { $held }; nyeste er { $newest }
trust-root-ahead = { $held }, nyere enn samlerens { $newest }: samleren er gjenopprettet fra en eldre kopi. Ta det nyere rotdokumentet inn på nytt.
trust-root-refused = Sensoren avviste et rotdokument, og det forrige gjelder. Den sier:
trust-stale = Sensoren har ikke hørt på et døgn hvilken liste som er nyest. Noen kan holde lister tilbake, eller tidsnøkkelen (keys/timestamp.key) er borte.
trust-behind = Sensoren har hørt om en nyere liste enn den får. Noen kan holde den tilbake.
trust-newest-refused = Sensoren trodde ikke på hvilken liste som ble oppgitt som nyest. Den sier:
brake-holds = Brems: indikator { $id } gir ingen alarmer, treffene telles bare. Det slutter av seg selv
brake-holds-exercise = Brems (øvelse): indikator { $id } gir ingen alarmer, treffene telles bare. Det slutter av seg selv
brake-over = Bremsen er over for indikator { $id }. Det sluttet
brake-counted = Talt: { $matches } treff hos om lag { $hosts } maskiner, ved { $by } av { $total } sensorer; { $sensors } av { $total } har tatt ordren.
brake-refused = Sensor { $sensor } avviste en ordre. Den sier:
brake-reach = Bremseordre { $order } følges av { $followed } av { $sensors } sensorer. Fra ordren til den ble fulgt: halvparten { $half }, 95 % { $most }, alle { $all }.
brake-reach-ends = Ordre { $order }, som løser bremsen, følges av { $followed } av { $sensors } sensorer. Fra ordren til den ble fulgt: halvparten { $half }, 95 % { $most }, alle { $all }.
sensor-brake-holds = Bremser etter ordre { $order } siden
sensor-brake-nothing = Bremser ingenting etter ordre { $order } siden
sensor-brake-not-yet = Følger ordre { $order } og ennå ikke { $newest }
sensor-brake-not-yet-any = Har ennå ikke tatt ordre { $newest } og bremser ingenting
sensor-brake-refuses = Avviste ordre { $newest } og går etter { $order } (0 = ingen). Avvist
sensor-brake-unable = Kjenner ingen brems og varsler som før; oppdater varde-agent der
list-refused = Avvist:
# En sensor
health-heard = Siste livstegn
col-oldest = Eldste i kø
oldest-none = ingen i kø
col-replayed = Kom på nytt
replayed-none = ingenting
replayed-of = { $replayed } poster; ingen er lagret to ganger
col-clock = Klokke
col-certificate = Sertifikatet gjelder til
col-self-test = Siste prøve av seg selv
self-test-none = Ingen har kommet fram ennå
clock-right = mindre enn ett sekund fra vår
clock-ahead = { $span } foran vår
clock-behind = { $span } bak vår
uplink-quarantined = To maskiner bruker identiteten til denne sensoren. Ingen av dem blir hørt før du har funnet ut hvilken som er kopien, stanset den og sluppet sensoren fri med «varde-collector sensor release NUMMER». Det begge har funnet, tar de vare på selv.
uplink-set-back = En eldre tilstand av denne sensoren meldte seg: disken er gjenopprettet, eller en kopi kjører et sted. Den fikk beskjed om å begynne på nytt, og ingenting telles to ganger. Sist:
uplink-not-renewed = Sertifikatet skulle vært fornyet, og er det ikke. Sensoren har ikke bedt om det: den er ikke tilkoblet, eller programmet er av en eldre utgave og må oppdateres. Når sertifikatet går ut, kommer den ikke inn.
uplink-not-renewed-refused = Sertifikatet skulle vært fornyet, og er det ikke. Siste svar var: { $why }. Når sertifikatet går ut, kommer sensoren ikke inn.
# Driftssaker: det som hindrer en sensor i å se eller i å bli hørt
silence-title = Driftssaker
silence-words = Det som hindrer sensorer i å se eller i å bli hørt. De er ikke sikkerhetssaker. Lagres i 13 måneder; de nyeste vises.
silence-none = Ingen driftssaker er funnet.
silence-stands = pågår
silence-unheard = Ingen livstegn fra sensoren. Sjekk at maskinen er på, at den når samleren, og at tjenesten varde-agent går.
silence-stalled = Forbindelsen står, men sensoren sier ingenting. Sjekk maskinen og linjen.
silence-deaf-ever = Ingen pakker har kommet fram til sensoren. Sjekk speilingen, kabelen og hvilket grensesnitt som står i agent.toml.
silence-deaf = Ingen pakker kommer fram til sensoren lenger; { $packets } ble lest før det. Sjekk speilingen og kabelen.
silence-dropping = For mye går tapt før det blir lest: på det verste { $dropped } av { $total } rammer på to minutter. Sjekk belastningen på maskinen, eller del trafikken på flere sensorer.
silence-no-list = Ingen liste er i kraft hos sensoren; den nyeste er { $newest }. Sensorens hendelser sier om den har avvist den.
silence-old-list = Liste { $held } er i kraft hos sensoren; den nyeste er { $newest }. Sensorens hendelser sier om den har avvist den.
silence-list-over = Liste { $held } er den nyeste, og tiden dens er ute. Sensoren bruker den fortsatt; publiser på nytt.
silence-clock-ahead = Sensorens klokke går { $span } foran samlerens, på det meste. Sjekk tidssynkroniseringen (NTP) på begge.
silence-clock-behind = Sensorens klokke går { $span } bak samlerens, på det meste. Sjekk tidssynkroniseringen (NTP) på begge.
silence-one-client = Alle { $alerts } treff på 30 dager, på { $indicators } indikatorer, er fra én maskin. Enten er det en resolver eller proxy som sensoren ikke kjenner, og da ser den ikke maskinene bak; eller så er det virkelig én maskin.
silence-one-resolver = Alle { $alerts } treff på 30 dager er en resolvers egne oppslag: sensoren ser ikke maskinene som spurte. Speil trafikken mellom dem og resolveren.
silence-one-way-out = Speilporten gir bare den ene retningen, det som går ut: i { $alone } av { $total } forbindelser ble bare maskinen på innsiden hørt. Sett speilingen til begge retninger (rx og tx), eller speil den andre linjen også.
silence-one-way-in = Speilporten gir bare den ene retningen, det som kommer inn: i { $alone } av { $total } forbindelser ble bare den på utsiden hørt. Sett speilingen til begge retninger (rx og tx), eller speil den andre linjen også.
silence-one-way = Speilporten gir bare den ene retningen: i { $alone } av { $total } forbindelser ble bare den ene enden hørt. Sett speilingen til begge retninger (rx og tx), eller speil den andre linjen også.
silence-one-way-questions = Sensoren ser DNS-spørsmål og nesten ingen svar: { $alone } av { $total } var uten. Speilporten gir bare den ene retningen, eller navnetjenerne svarer ikke. Sett speilingen til begge retninger (rx og tx).
silence-one-way-responses = Sensoren ser DNS-svar og nesten ingen spørsmål: { $alone } av { $total } var uten. Speilporten gir bare den ene retningen. Sett speilingen til begge retninger (rx og tx).
silence-narrowed = Innstillingene hos sensoren utelater mer enn før: { $sizes }. Medlemmets IT ser i agent.toml og på kommandolinjen hva det er; hvilke adresser det gjelder, sendes ikke. Er det riktig, godtar responsmiljøet det med varde-collector silence accept.
silence-altered = Innstillingene hos sensoren er andre enn før: grensesnitt, nett eller adresser, { $sizes }. Om den ser mindre, kan ikke avgjøres herfra. Medlemmets IT ser i agent.toml og på kommandolinjen hva det er; hvilke adresser det gjelder, sendes ikke. Er det riktig, godtar responsmiljøet det med varde-collector silence accept.
narrowed-sources = grensesnitt og filer som leses: { $before } før, { $after } nå
narrowed-shares = trafikken deles nå med andre prosesser
narrowed-inside-v4 = IPv4-adresser som regnes som innenfor: { $before } før, { $after } nå
narrowed-inside-v6 = IPv6-nett (/64) som regnes som innenfor: { $before } før, { $after } nå
narrowed-resolvers = adresser som regnes som resolvere: { $before } før, { $after } nå
narrowed-sinkholes = adresser som regnes som stoppsider: { $before } før, { $after } nå
narrowed-dns-ports = porter der DNS leses: { $before } før, { $after } nå
narrowed-data-out = oktetter før det heter at data går ut: { $before } før, { $after } nå
narrowed-frequent-hosts = maskiner før de varsles samlet (0 = aldri): { $before } før, { $after } nå
narrowed-others = like mange som før, men andre
silence-times = { $n ->
    [1] Det begynte 1 gang.
   *[other] Det begynte { $shown } ganger.
}
events-title = Det sensoren har meldt
events-words = Hva som har hendt sensoren, det nyeste øverst. Lagres i 90 dager; det som er mistet, og merknader om kopier, i 13 måneder.
events-none = Sensoren har ikke meldt noe de siste 90 dagene.
events-more = { $n ->
    [1] 1 melding til; se den med
   *[other] { $shown } meldinger til; se dem med
}
told-lost-title = Meldt mistet siste 13 måneder
told-lost-none = ingenting
told-lost = { $records } poster: { $reasons }
told-lost-least = minst { $records } poster: { $reasons }
lost-full = køen eller disken var full
lost-aged = ingen hentet dem i tide
lost-damaged = lot seg ikke lese lenger
lost-gone = sensoren hadde dem ikke lenger etter at samleren ble lagt tilbake: sluppet etter 72 timer, eller skadet
lost-set-aside = de lå i en kø som var lagt til side på sensorens disk, ingen hadde dem, og tiden deres der er ute
lost-set-aside-or-sent = de lå i en kø som var lagt til side, tiden deres der er ute, og noen av dem kan ha kommet frem før
lost-other = en grunn som ikke er kjent her
event-started = Programmet startet, versjon { $version }.
event-list-in-force = Liste { $revision } er i kraft, { $indicators } indikatorer.
event-list-refused = Liste { $revision } ble avvist, og den forrige gjelder: { $why }
event-spool-damaged = Køen på disken var skadet; { $octets } byte er lagt til side på sensoren.
event-unread-ended = Av det som ikke lot seg lese på disken, er { $octets } byte fjernet: tiden deres er ute, og ingen vet hva de var.
event-indicator-demoted = Indikator { $indicator } traff for mange: om lag { $hosts } maskiner og { $matches } treff. Sensoren melder flere maskiner samlet, i én alarm uten navn, i høyst et døgn, eller til en liste sier noe annet om den. Ingenting mangler i antallet.
event-indicator-told-again = Sensoren melder ikke lenger maskiner som treffer indikator { $indicator }, samlet.
event-self-test = Sensoren prøvde seg selv, og prøven kom helt fram. Den teller ikke som alarm.
event-at-site = Sted { $site }:
event-loss = { $records } poster er mistet ({ $from } til { $to }): { $why }.
event-loss-of = De var: kritisk { $critical }, høy { $high }, middels { $medium }, lav { $low }, info { $info }, annet { $other }.
event-unknown-alert = Det kom mer om alarm { $alert }, som ikke er kjent her. Posten er lagret, uten alarm; treff i den: { $count }.
event-unknown-indicator = Treff på indikator { $indicator }, som ikke er kjent her; den kan ha kommet til etter kopien som ble lagt tilbake. Posten er lagret, uten alarm.
event-unknown-site = Treff på sted { $site }, som ikke er et av denne sensorens: agent.toml nevner det, eller postene er en tidligere sensors. Posten er lagret, uten alarm.
event-unreadable-record = En post på { $octets } byte i en form denne samleren ikke kjenner: fra en nyere sensor, eller skadet. Den er lagret slik den kom, uten alarm.
event-held-back = Den sendte mer enn én sensor noen gang har å melde, og det den sender, tas nå imot langsomt. Er det ingen storm av treff som forklarer det, kan noen andre ha nøkkelen: vurder å trekke den tilbake.
event-unpublished-list = Den kom med en liste som aldri er publisert her: nummeret er høyere enn alle herfra. Enten er samleren lagt tilbake fra en kopi og har ikke publisert siden, eller så har noen signert den med en stjålet listenøkkel: se «listenøkkelen er stjålet» i veiledningen.
event-thrown-out = Den brøt reglene for samtalen gang på gang, og blir ikke sluppet til på en stund hver gang, høyst fem minutter. Har begge programmene samme versjon, kan noen andre ha nøkkelen: vurder å trekke den tilbake.
event-two-live = To maskiner bruker identiteten til sensoren: én kom som var hilst på før, mens en annen var hilst på siden. Ingen av dem blir hørt før sensoren er sluppet fri.
event-token-reused = Noen kom med en engangskode som var brukt før. Noen andre har meldingen den ble sendt i, eller den ble prøvd to ganger: spør medlemmet, og lag en ny hvis dere er i tvil.
event-token-guessed = Noen prøvde å koble til med dette nummeret uten å kjenne hemmeligheten i engangskoden: en kode som er kopiert feil, eller en gjetning.
event-ended-key = Noen kom med en nøkkel denne sensoren hadde før sertifikatet ble fornyet. Den ble avvist. En eldre kopi av maskinen er startet, eller nøkkelen er tatt: spør medlemmet.
event-replaced-again = En ny økt tok plassen til den som stod, for tredje gang innen en time eller mer. Nettet dens faller ut, eller den startes om igjen og igjen; er det ikke slik, har noen andre nøkkelen: spør medlemmet.
event-silent-again = Gang på gang har noen vist denne sensorens nøkkel og så ikke sagt noe. Er det ingen brannmur på veien som slipper QUIC til og stanser resten, har noen andre nøkkelen: spør medlemmet, og vurder å trekke den tilbake. Sensorens egen økt tar ikke skade av det.
event-foreign-site = agent.toml på sensoren nevner et sted den ikke kan melde for. Økten ble avsluttet, og den tar vare på det den finner. Enten skal den få stedet (sensor site add), eller så er nummeret i agent.toml feil.
event-mark-unknown = Sensoren sa et merke denne samleren ikke husker å ha gitt. Slik er det etter at samleren er lagt tilbake fra en kopi.
event-mark-missing = Sensoren har ikke lenger merket den fikk; noen kan ha tømt mappen med køen.
event-set-back = En eldre tilstand av sensoren meldte seg: den ville gå videre fra post { $next }, men { $committed } var lagret. Den fikk beskjed om å begynne på en ny kø, og ingenting telles to ganger. Ble ikke disken gjenopprettet, kjører en kopi et sted.
event-renewed = Sensoren ble sluppet fri fra karantene og begynner på en ny kø, så ingen nummer betyr to ting.
event-epoch-changed = Sensoren går videre med en annen kø enn sist: en ny, eller en gammel igjen.
event-other = Noe denne samleren ikke har ord for: { $kind }.
health-title = Det sensoren ikke fikk lest
health-words = Tall siden sensoren startet.
health-unknown = Sensoren har ikke sagt noe om tap og blindsoner ennå.
health-dropped = Tapt før de ble lest
health-dropped-of = { $dropped } av { $total } rammer
health-dropped-unknown = Ikke kjent
health-drops-unknown = { $unknown } av { $sources } kilder kan ikke si hva kjernen har kastet; tallet kan være for lavt.
health-refused = Lot seg ikke lese
health-refused-of = { $refused } rammer og meldinger; { $packets } pakker er lest
health-evicted = Sluppet fordi en tabell var full
col-reason = Årsak
col-meaning = Hva det betyr
col-count = Antall
reason-cut = avkortet: slutten kom ikke med
reason-broken = bryter formatet det gir seg ut for
reason-limit = over en grense sensoren holder
reason-unread = en type sensoren ikke leser
reason-piece = et stykke manglet
reason-other = annet
evicted-none = ingenting; ingen tabell har vært full
evicted-flows = { $n ->
    [1] 1 strøm
   *[other] { $shown } strømmer
}
evicted-streams = { $n ->
    [1] 1 TCP-forbindelse med DNS
   *[other] { $shown } TCP-forbindelser med DNS
}
evicted-pairings = { $n ->
    [1] 1 spørring som ventet på svar
   *[other] { $shown } spørringer som ventet på svar
}
evicted-fragments = { $n ->
    [1] 1 fragment
   *[other] { $shown } fragmenter
}
evicted-folding = { $n ->
    [1] 1 åpen alarm, lukket før tiden
   *[other] { $shown } åpne alarmer, lukket før tiden
}
evicted-answers = { $n ->
    [1] 1 husket svar
   *[other] { $shown } huskede svar
}
evicted-other = { $n ->
    [1] 1 annen oppføring
   *[other] { $shown } andre oppføringer
}
blind-title = Det sensoren ikke kan se
blind-words = Kryptert navneoppslag og skjulte navn går forbi sensoren. Tall siden den startet; den første timen virker flere strømmer uforklarte enn de er.
blind-flows-none = Ingen strøm har gått ut av nettet ennå.
blind-encrypted-dns = Kryptert DNS: { $encrypted } av { $flows } strømmer ut ({ $dot } DoT, { $doq } DoQ, { $doh } DoH til kjente åpne navnetjenere).
blind-unexplained = Uforklart: { $unexplained } av { $flows } strømmer ut gikk til adresser som ikke sto i noe svar sensoren har sett.
blind-hellos-none = Ingen TLS-åpning er lest ennå.
blind-ech = Skjult navn: { $ech } av { $hellos } TLS-åpninger bar et kryptert indre navn, ekte eller som dekke (ECH).
blind-resolver-names = Kjente åpne navnetjenere: { $named } av { $hellos } TLS-åpninger gjaldt en av dem.
# Kart
map = Medlemmene
map-hit = i en åpen kampanje
map-alone = egen sak
map-quiet = kan se; ingenting åpent
map-blind = kan ikke se nå
map-none = ikke medlem
map-table = Vis som tabell
# En kampanje
why-title = Hvorfor ser jeg dette?
why-possible = «Mulig» til et menneske har sett på den: sammenfallet er regnet ut, ikke bekreftet.
link-indicator = Sakene er ført sammen fordi uavhengige medlemmer har treff på samme indikator: { $what }.
link-own-threat = Alarmene er på samme trussel: { $what }.
link-own-indicator = Alarmene er på samme indikator: { $what }.
link-own-several = Alarmene er på flere trusler eller indikatorer og er ført sammen fordi samme maskin har møtt dem. Den første er { $what }.
link-reported-threat = Meldt av en person, om trusselen { $what }.
link-reported-indicator = Meldt av en person, om indikatoren { $what }.
link-threat = Sakene er ført sammen fordi uavhengige medlemmer har treff på samme trussel: { $what }.
word-why-title = Hvorfor dette ordet?
word-version = Veid etter { $version }.
word-own = Det alvorligste ordet blant deres egne saker i den.
word-unweighed = Ikke veid ennå: ordet er det alvorligste listen sier.
word-again = Ordet veies på nytt om litt, for noe er endret; til da står det fra før.
likely-low = lav
likely-medium = middels
likely-high = høy
level-low = lavt
level-medium = middels
level-high = høyt
term-confidence = kilden er { $value } av 100 sikker, som er { $grade }: { $points }
term-evidence = så langt kom det: { $value }: { $points }
term-evidence-said = så langt kom det, sier de som har meldt det: { $value }: { $points }
term-reported = meldt av en person; regnes som { $value } sikkerhet: { $points }
term-evidence-unknown = ingen har sagt hvor langt det kom: { $points }
term-confirmed = et menneske har bekreftet det: { $points }
term-unconfirmed = det folk melder og ingen har bekreftet, er ikke mer enn middels sannsynlig
term-assumed = alvor, antatt for det folk melder: { $value }: { $points }
term-persistent = kontakt i fast takt, som fra et program: { $points }
term-address-only = kontakt med adressen alene, ikke med navnet: { $points }
term-verdicts = kildene har fått rett { $confirmed } ganger og tatt feil { $refuted }: { $points }
term-low-confidence = når sikkerheten er lav, er ingenting mer enn lite sannsynlig
term-medium-confidence = når sikkerheten er middels, er ingenting mer enn middels sannsynlig, om ikke kildene oftest har fått rett
term-blocked = alt ble stanset: skade er lite sannsynlig
term-noise = foreslått som støy: lite sannsynlig
term-mere-list = når bare en ren liste nevner det, er ingenting mer enn middels sannsynlig, hva listen enn sier om seg selv
term-likelihood = Sannsynlighet: { $value } ({ $points } poeng)
term-zone = høyeste konsekvensnivå i en sone er { $value }: { $points }
term-severity = alvor etter listen: { $value }: { $points }
term-members = { $value } uavhengige medlemmer fikk svar, og sikkerheten er høy: { $points }
term-consequence = Konsekvens: { $value } ({ $points } poeng)
term-critical-by-name = Kritisk: kontakt med navnet, i en sone med høyt konsekvensnivå
term-critical-by-members = Kritisk: { $value } uavhengige medlemmer fikk svar, og det er ikke foreslått som støy
term-not-critical = Tabellen sier kritisk, men ingen av de to veiene dit er gått; derfor høy
term-unvouched = Tabellen sier mer enn middels, men ingen står inne for det: ingen sikker kilde, ingen navngitt trussel, ingen kontakt i fast takt, ingen data ut, ikke kontakt hos flere uavhengige medlemmer; derfor middels
term-said-apart = Det folk har meldt, er veid for seg, og blir ikke mer enn det sensorene så: { $value }
term-sensed-apart = Det sensorene så, er veid for seg, og blir mindre enn det folk har meldt: { $value }
too-connected = Henger for mye sammen: noe som førte sakene sammen, gjelder ikke lenger, eller det er for mange ulike ting her.
too-connected-topics = Den handler om for mange ulike ting.
too-connected-threat = Trusselen { $value } er funnet å være en ren liste, og fører ikke lenger sammen.
too-connected-address = For mange ulike ting fører til adressen { $value }, og den fører ikke lenger sammen.
too-connected-indicator = Indikatoren { $value } er foreslått som støy, og fører ikke lenger sammen.
too-connected-indicator-upheld = Indikatoren { $value } er støy, sier { $who }, og fører ikke lenger sammen.
too-connected-host = En maskin hos { $value } har møtt for mange ulike ting på en gang til å være én, og fører ikke lenger sammen.
too-connected-gone = En maskin som hadde møtt for mange ulike ting på en gang til å være én, førte sammen; treffene hos den er slettet.
too-connected-other = Dette fører ikke lenger sammen: { $value }.
too-connected-lift = Er det feil, oppheves det med
too-connected-split = Delene den ville falle i, vises av
bonds-title = Hva sakene har felles
bond-threat = { $n } saker har samme trussel: { $value }
bond-indicator = { $n } saker har samme indikator: { $value }
bond-contact = i { $n } saker var det kontakt med samme indikator: { $value }
bond-address = i { $n } saker førte listede navn til samme sjeldne adresse: { $value }
bond-domain = { $n } saker har navn under samme domene: { $value }
bond-off = (fører ikke lenger sammen)
scale-several = Flere medlemmer er rammet.
scale-sector = Rammer hele sektoren: en stor del av dem som kunne se det, har det.
spread = Spredning over tid
spread-axis = norsk tid, kl.
spread-words = Hver linje er et medlem, fra første til siste treff; hver prikk er en alarm som begynte. Tabellen under sier det samme.
spread-left-out = { $n ->
    [1] 1 medlem til står bare i tabellen.
   *[other] { $shown } medlemmer til står bare i tabellen.
}
why-inbound = kom utenfra
why-labels-left = { $n ->
    [1] et navn under det listede (1 ledd til venstre)
   *[other] et navn under det listede ({ $shown } ledd til venstre)
}
why-together = flere maskiner på en gang enn det meldes om én for én; tallet er omtrentlig, og de som har egen alarm, er med i det
why-by-resolver = navnetjeneren spurte på vegne av noen; et spor, ikke et offer
why-looked-up-by-other = maskinen er funnet ved trafikken; navnet ble slått opp av en annen
why-possible-contact = mulig kontakt: adressen deles med andre navn
why-regular = fast takt: { $contacts } kontakter, oftest { $span } mellom dem
why-zone = sone { $zone }
why-list = liste { $revision } i kraft hos sensor { $sensor }
verdict-false-positive = vurdert som falsk alarm: { $reason }; indikatoren er trukket tilbake
verdict-legitimate = vurdert som legitim trafikk: { $reason }
verdict-confirmed = vurdert som bekreftet: { $reason }
# Når noe ikke går
missing-title = Finnes ikke
missing-words = Adressen peker ikke på noe her. Kampanjen eller saken kan være slettet etter lagringstiden; gå til oversikten.
room-full = Disken til databasen er full: ingenting nytt blir lagret.
room-full-next = Gjør plass på den. Ingenting går tapt imens: sensorene holder på det de har, og det blir tatt inn av seg selv så snart det er plass.
broken-title = Fikk ikke svar
broken-words = Samleren fikk ikke lest databasen. Prøv igjen om litt; varer det, står årsaken i loggen til varde-collector.

unnoted-title = Vises ikke
unnoted-words = Siden viser maskiner hos et medlem, og at den vises, kunne ikke skrives i revisjonsloggen. Derfor vises den ikke. Er disken full, gjør plass; ellers står årsaken i loggen til varde-collector.

deletion-title = SLETTEBEKREFTELSE
deletion-whose = Medlem: { $name } ({ $number })
deletion-former = Tidligere nummer: { $numbers }
deletion-by = Slettet av { $operator } { $at } med varde-collector { $program }
deletion-what = Dette er slettet og overskrevet i databasen:
deletion-what-in-log = Dette er slettet. Noen leste i databasen samtidig, så det står fortsatt i loggfilen til databasen, og overskrives der når de er ferdige:
deletion-members = medlemmer (det selv og de som var slått sammen med det)
deletion-contacts = kontakter
deletion-addresses = domener og nett
deletion-sensors = sensorer, alle sperret, med nøkler og historikk
deletion-sites = steder på andres sensorer
deletion-accounts = kontoer på sidene
deletion-alerts = alarmer
deletion-incidents = saker
deletion-records = poster fra sensorene
deletion-heartbeats = livstegn
deletion-events = hendelser på sensorene
deletion-kept = Dette er igjen:
deletion-kept-departure = at et medlem gikk ut på dette tidspunktet, uten navn og nummer, så en eldre kopi som legges tilbake, slettes på nytt
deletion-kept-audit = navnet og numrene i revisjonsloggen, der det står hvem som gjorde hva: innslag fjernes når de er 24 måneder gamle, de siste etter { $until }
deletion-kept-campaigns = { $n ->
    [one] i én kampanje: at ett medlem til ble truffet
   *[other] i { $shown } kampanjer: at ett medlem til ble truffet
}
deletion-backups = Sikkerhetskopier fra før slettingen inneholder fortsatt dataene. De oppbevares ikke lenger enn til { $until }. Legges en av dem tilbake før det, sletter programmet medlemmet på nytt.
deletion-copies = Kopier i samlerens datamappe fra før slettingen, som også fjernes, av samleren selv senest 35 døgn etter at de ble laget: { $copies }
deletion-sensor = På medlemmets egen maskin slettes sensoren med: varde-agent wipe
deletion-exported = Dette ble levert ut før slettingen (SHA-256 og fil):

beat-begins = Livstegn fra samleren skal sendes til
beat-arrives = Livstegn fra samleren kommer fram til
beat-fails = LIVSTEGN FRA SAMLEREN KOMMER IKKE FRAM til den som skal slå alarm hvis den dør.

source-held = Holdt tilbake, for den har plutselig mye mindre enn før, eller sier noe helt annet: kilden
source-fails = Kan ikke hentes: kilden
source-good = Sist hentet
source-never = Aldri hentet

member-former = Het { $name } ({ $number }) til { $until }
member-language = Målform
member-bokmaal = bokmål
member-nynorsk = nynorsk
member-neutral = nøytral
member-covered = Digitalsikkerhetsloven
member-covered-yes = gjelder
member-covered-no = gjelder ikke
member-covered-unknown = ikke kjent
member-supplier = Leverandørnett
member-supplier-none = ingen
member-domains = Domener
member-networks = Nett på internett
member-none-known = ingen kjent
member-contacts = Kontakter
member-contacts-none = Ingen kontakter er kjent.
member-contacts-first = Legg inn den første under «Endre».
member-sites = Sensorer som ser medlemmets nett
member-sites-none = Ingen sensor ser dette medlemmets nett.
role-it = IT-drift
role-security = Sikkerhet
role-oncall = Vakt
role-management = Ledelse
role-privacy = Personvernombud
col-role = Rolle
col-name = Navn
col-telephone = Telefon
col-out-of-hours = Utenom kontortid
col-email = E-post
col-confirmed = Sist bekreftet
contact-never-confirmed = aldri bekreftet
contact-confirmed-long-ago = for over et år siden
site-home = eget nett
site-own = eget nett, sted { $site }
site-of-other = sted { $site } på sensoren til { $owner }
site-revoked = Sensoren er sperret.
site-not-named = Stedet er gitt, men sensoren har ikke nevnt det: det mangler i agent.toml.
# Personvern: hvor lenge det lagres
footer-privacy = Personvern
kept-title = Hvor lenge det lagres
kept-words = Fristene programmene selv sletter etter. Det som er eldre, blir borte innen en time mens samleren går; har klokka gjort et hopp, går det seks timers verdi om gangen.
col-kept-what = Hva
col-kept-where = Hvor
col-kept-for = Hvor lenge
kept-sensor = kommunen (sensoren)
kept-collector = responsmiljøet (samleren)
kept-spool = Treff samleren har bekreftet
kept-spool-waiting = Treff ingen har hentet
kept-hosts = Hvilken maskin et pseudonym står for
kept-alerts = Treff, saker og kampanjer
kept-counts = Antall treff per medlem, type indikator, alvor og dag; aldri med maskin
kept-losses = Det sensorer har mistet, og driftssaker
kept-heartbeats = Livstegn, og det sensorene melder om seg selv
kept-sightings = Det kilder har fått vite om sine egne indikatorer
kept-audit = Revisjonsloggen, og hvem som publiserte, trakk tilbake, tillot og bremset
kept-accounts = Kontoer på sidene: navn, rolle, når de sist var inne
kept-sessions = Økter på sidene: når de begynte, når noen sist var der, og hvilken nettleser
kept-backups = Sikkerhetskopier
kept-hours = { $n ->
    [1] 1 time
   *[other] { $shown } timer
}
kept-days = { $n ->
    [1] 1 døgn
   *[other] { $shown } døgn
}
kept-months = { $n ->
    [1] 1 måned
   *[other] { $shown } måneder
}
kept-member = til medlemmet går ut

# Arbeidet med saker og kampanjer.
work-title = Arbeidet
by-person = meldt av en person
csirt-only = bare CSIRT
link-human = En person har meldt den, og den er ikke knyttet til noen indikator eller trussel.
col-work-state = Status
col-owner = Ansvarlig
owner-none = ingen ennå
state-new = ny
state-triaged = vurdert
state-confirmed = bekreftet hendelse
state-contained = under kontroll
state-closed-confirmed = lukket: bekreftet
state-closed-false-positive = lukket: falsk positiv
state-closed-legitimate = lukket: legitim trafikk
state-closed-duplicate = lukket: duplikat av { $of }
state-closed-duplicate-unnumbered = lukket: duplikat av en annen sak
state-closed-exercise = lukket: øvelse
work-came-back = { $n ->
    [one] Den har kommet tilbake én gang.
   *[other] Den har kommet tilbake { $shown } ganger.
}
work-grown = Det er kommet fram mer etter at den ble lukket, som lukkingen dekker.
measures-title = Tiltak
col-measure = Tiltak
col-when = Når
col-who = Hvem
measure-planned = planlagt
measure-done = gjort
measure-not-applicable = ikke aktuelt
clocks-title = Frister etter loven
clocks-none = ingen løper
clocks-help = Dette er hjelp, ikke juridisk rådgivning. En frist løper her bare fordi en person har sagt det.
clock-due = frist
clock-nsm = Varsel til NSM innen 24 timer (digitalsikkerhetsloven)
clock-datatilsynet = Melding til Datatilsynet innen 72 timer (personvernforordningen artikkel 33)
clock-left = { $span } igjen
clock-over = ute for { $span } siden
clock-reported = meldt i tide
clock-reported-late = meldt etter fristen
clock-withdrawn = trukket: { $reason }
clock-not-discovered = Ingen har sagt når det ble oppdaget, så ingen frist løper.
clock-not-covered = Medlemmet er ikke omfattet av digitalsikkerhetsloven, så fristen på 24 timer løper ikke.
clock-covered-unknown = Det er ikke registrert om medlemmet er omfattet av digitalsikkerhetsloven; fristen på 24 timer løper ikke før det er sagt.
clock-no-breach = Ingen har sagt at det kan være et brudd på personopplysningssikkerheten, så fristen på 72 timer løper ikke.
timeline-title = Tidslinje
col-happened = Skjedde
col-learnt = Kjent
col-what = Hva
said-reported = Meldt av en person: { $text }
said-reported-far = Meldt av en person: { $text }. Så langt kom det, ifølge den som meldte: { $evidence }
said-assigned = Ansvarlig: { $owner }
said-unassigned = Ingen er ansvarlig lenger
said-measured = Tiltak, { $status }: { $text }
said-discovered = Oppdaget
said-breach = Mulig brudd på personopplysningssikkerheten
said-duty-reported = Meldt. { $duty }
said-duty-withdrawn = Gjelder ikke ({ $reason }). { $duty }
said-reached = Kom så langt: { $evidence }
said-back-seen = Kom tilbake: sett igjen etter at den ble lukket (var { $was })
said-back-further = Kom tilbake: kom lenger enn det som var kjent (var { $was })
said-back-else = Kom tilbake: noe som lukkingen ikke dekker (var { $was })
said-back-else-named = Kom tilbake: { $name }, som lukkingen ikke dekker (var { $was })
said-back-member = Kom tilbake: et medlem til er rammet (var { $was })
said-back-reported = Kom tilbake: meldt av en person (var { $was })
said-returned = Kom tilbake: samme maskin og indikator som i sak { $id }, som er lukket
said-returned-unnumbered = Kom tilbake: samme maskin og indikator som i en sak som er lukket
said-went-on = Kom tilbake mye senere, som sak { $id }
said-went-on-unnumbered = Kom tilbake mye senere, som en ny sak
said-joined = Nummer { $id } viste seg å være en del av denne (var { $was })
said-joined-unnumbered = En annen sak viste seg å være en del av denne (var { $was })
said-split = { $many ->
    [no] Delt: sak { $incidents } ble tatt ut av kampanje { $from } og er kampanje { $into } fra da av: { $reason }
   *[yes] Delt: sakene { $incidents } ble tatt ut av kampanje { $from } og er kampanje { $into } fra da av: { $reason }
}
said-split-alone = { $many ->
    [no] Delt: sak { $incidents } ble tatt ut av kampanje { $from } og er ikke i noen kampanje: { $reason }
   *[yes] Delt: sakene { $incidents } ble tatt ut av kampanje { $from } og er ikke i noen kampanje: { $reason }
}
said-merged = Slått sammen: kampanje { $id } er en del av denne fra da av (var { $was }): { $reason }
said-first = Første treff
said-history = Funnet i sensorenes historikk
said-concluded = Ble en mulig kampanje
said-hit = { $number } { $name } rammet (sak { $id })
said-hit-unnumbered = { $number } { $name } rammet
# Analytikerens lister
desk-alerts = Alarmer
desk-filter = Snevr inn
desk-filter-go = Vis
desk-filter-help = Ord søkes i indikatorer, trusler og medlemmer. Minus foran utelater. Eksempel:
desk-chips = Snevret inn til
desk-chip-remove = Fjern { $token }
desk-range = Tidsrom
desk-range-hour = 1 t
desk-range-day = 24 t
desk-range-week = 7 døgn
desk-range-month = 30 døgn
desk-range-wider = Lengre tidsrom
desk-range-own = Velg tidsrom
desk-range-from = Fra
desk-range-to = Til
desk-range-bad-quick = Tidsrommet er ikke kjent. Bruk 1t, 24t, 7d eller 30d, eller velg fra og til. Det vanlige vises.
desk-range-bad-from = «Fra» er ikke et tidspunkt. Skriv det som 2026-11-21T14:05. Det vanlige tidsrommet vises.
desk-range-bad-to = «Til» er ikke et tidspunkt. Skriv det som 2026-11-21T14:05. Det vanlige tidsrommet vises.
desk-range-bad-order = «Til» må være etter «fra». Det vanlige tidsrommet vises.
desk-range-bad-long = Tidsrommet er lengre enn alarmer oppbevares (13 måneder). Velg et kortere. Det vanlige vises.
desk-cursor-bad = Siden hører til et annet utvalg. Den første siden vises.
desk-trouble-key = Tegn { $at }: «{ $word }» er ikke forstått. Her kan du bruke { $right }. Tekst med kolon settes i anførselstegn.
desk-trouble-not-here = Tegn { $at }: «{ $word }» gjelder ikke denne listen. Her kan du bruke { $right }.
desk-trouble-value = Tegn { $at }: «{ $word }» er ikke forstått. Etter { $name }: kan det stå { $right }.
desk-trouble-no-value = Tegn { $at }: «{ $word }» mangler en verdi. Etter { $name }: kan det stå { $right }.
desk-trouble-quote = Tegn { $at }: «{ $word }» har et anførselstegn som ikke er lukket. Sett ett til bak teksten.
desk-trouble-many = Tegn { $at }: bare de første { $most } ordene leses. Ta bort noen.
desk-trouble-values = Tegn { $at }: «{ $word }» har for mange verdier. Bruk høyst { $most }.
desk-trouble-long = Fra tegn { $at } er teksten for lang og leses ikke. Bruk høyst { $most } byte.
desk-right-member = et nummer som 3407 eller begynnelsen på et navn
desk-right-name = en del av navnet
desk-right-owner = en del av navnet, eller { $nobody }
desk-right-number = et tall fra 1 og opp
desk-right-rising = { $words }; flere med komma mellom, eller + bak for «og mer»
desk-when = Når
desk-when-table = Vis som tabell
desk-per = alarmer per { $span }
desk-spark = Alarmer per { $span }, høyst { $most }
desk-alerts-n = { $n ->
    [1] 1 alarm
   *[other] { $shown } alarmer
}
desk-groups-n = { $n ->
    [1] 1 indikator
   *[other] { $shown } indikatorer
}
desk-incidents-n = { $n ->
    [1] 1 sak
   *[other] { $shown } saker
}
desk-campaigns-n = { $n ->
    [1] 1 kampanje
   *[other] { $shown } kampanjer
}
desk-alerts-none = Ingen alarmer i tidsrommet
desk-alerts-none-of = { $n ->
    [1] Den ene alarmen i tidsrommet vises ikke
   *[other] Ingen av de { $shown } alarmene i tidsrommet vises
}
desk-incidents-none = Ingen saker i tidsrommet
desk-incidents-none-of = { $n ->
    [1] Den ene saken i tidsrommet vises ikke
   *[other] Ingen av de { $shown } sakene i tidsrommet vises
}
desk-campaigns-none = Ingen kampanjer i tidsrommet
desk-campaigns-none-of = { $n ->
    [1] Den ene kampanjen i tidsrommet vises ikke
   *[other] Ingen av de { $shown } kampanjene i tidsrommet vises
}
desk-open-whenever = Det som er åpent, vises uansett når det sist ble sett.
desk-hidden-muted = { $n ->
    [1] 1 dempet
   *[other] { $shown } dempet
}
desk-hidden-settled = { $n ->
    [1] 1 avklart
   *[other] { $shown } avklart
}
desk-hidden-closed = { $n ->
    [1] 1 lukket
   *[other] { $shown } lukket
}
desk-hidden-show = Vis
desk-hidden-shown = Også det som ellers er skjult, vises.
desk-hidden-hide = Skjul igjen
desk-cut = Det er flere enn { $most } alarmer i tidsrommet. Bare de nyeste, siden { $since }, er regnet med. Velg et kortere tidsrom.
desk-none = Ingenting i dette tidsrommet passer. Velg et lengre tidsrom, eller ta bort noe av det listen er snevret inn til.
desk-select = Velg
desk-select-row = Velg { $what }
desk-seen-by = Sett hos
desk-reach = { $hit } av { $able } som kunne se det; { $blind } kunne ikke
desk-belongs = Hører til
desk-no-case = ingen sak
desk-in-history = i historikken
desk-proposed = foreslått som støy
desk-met-before = første gang
desk-fresh = { $n ->
    [1] 1 ny
   *[other] { $shown } nye
}
desk-acknowledged = kvittert av { $who } { $at }
desk-refuted = indikatoren er falsk positiv
desk-muted = dempet av { $who } til { $until }: { $reason }
desk-muted-at = dempet hos { $member } av { $who } til { $until }: { $reason }
desk-muted-title = Dempet
desk-muted-help = Dette er skjult fra alarmlisten for en tid. Kommer det lenger hos et medlem enn da det ble dempet, vises det likevel.
desk-muted-none = Ingenting er dempet nå.
desk-muted-all = Alt som er dempet
desk-muted-where = Hos
desk-muted-everywhere = alle medlemmer
desk-muted-why = Begrunnelse
desk-muted-by = Dempet av
desk-muted-until = Til
desk-muted-reason = Hvorfor dempingen oppheves
desk-muted-n = { $n ->
    [1] 1 demping gjelder nå
   *[other] { $shown } dempinger gjelder nå
}
desk-why = Hvorfor ser jeg dette?
desk-why-listed = { $indicator } står i listen fra { $sources }, med tillit { $confidence } av 100.
desk-why-far = Det lengste det kom: { $far }.
desk-why-severity = Alvor etter listen: { $severity }.
desk-why-history = Noe av det ble funnet i sensorenes historikk, og regnes fra da det ble funnet.
desk-why-noise = Indikatoren er foreslått som støy: mange traff den på en gang, og lite kom av det.
desk-why-muted = { $n ->
    [1] 1 av alarmene er dempet.
   *[other] { $shown } av alarmene er dempet.
}
desk-tools = Behandle de valgte
desk-tools-help = Begrunnelse kreves for falsk positiv, legitim trafikk og demping, og tekst for notat.
desk-tools-everywhere = Gjelder alle alarmer på indikatoren, hos alle medlemmer – også de som ikke vises her. Kvittering gjelder det som var kommet da siden ble hentet; demping kan gjelde ett medlem.
desk-reason = Begrunnelse eller notat
desk-days = Demp i så mange døgn
desk-at-member = Demp bare hos medlem (nummer)
desk-act-acknowledge = Kvitter
desk-act-false-positive = Falsk positiv
desk-act-legitimate = Legitim trafikk
desk-act-mute = Demp
desk-act-unmute = Opphev demping
desk-act-take = Ta over
desk-act-note = Notat
desk-key-case = sak
desk-next = Neste side
desk-export = Ta med (noteres i revisjonsloggen):
desk-export-defanged = tekst uten klikkbare adresser
desk-views = Lagrede visninger
desk-views-none = Ingen ennå. Snevr inn listen, og lagre den her.
desk-view-shared = delt
desk-view-change = Endre
desk-view-name = Navn
desk-view-new = Lagre denne visningen som
desk-view-share = delt med alle analytikere
desk-view-save = Lagre
desk-view-rename = Lagre endring
desk-view-delete = Slett
desk-view-bad-name = Navnet må ha 1 til 80 byte på én linje.
desk-view-bad-taken = Du har en visning med det navnet fra før. Velg et annet.
desk-view-bad-many = Du har så mange visninger som det er plass til (50). Slett en først.
desk-view-bad-shared = Det er så mange delte visninger som det er plass til (200). Lagre den for deg selv.
desk-view-bad-gone = Visningen finnes ikke lenger, eller den er en annens.
desk-undo = Angre
desk-undo-all = Alt som kan angres
desk-undo-title = Angre
desk-undo-help = Det du har gjort det siste kvarteret, kan angres som en helhet. Revisjonslogg og tidslinje beholder begge deler.
desk-undo-none = Ingenting kan angres nå.
desk-undone = Det er angret. Alt er slik det var.
desk-undo-gone = Det finnes ikke noe slikt å angre.
desk-undo-others = Det var en annen som gjorde det. Bare den kan angre det.
desk-undo-already = Det er angret allerede.
desk-undo-late = Det er for lenge siden: angring virker i et kvarter. Gjør det motsatte i stedet.
desk-undo-changed = Noen har gått videre med det siden. Ingenting ble angret. Se på det som det er nå.
desk-did-acknowledge = Kvittert
desk-did-false-positive = Merket som falsk positiv
desk-did-legitimate = Merket som legitim trafikk
desk-did-mute = Dempet
desk-did-unmute = Demping opphevet
desk-did-take = Tatt over
desk-did-note = Notat skrevet
desk-target-indicator = alarmene på indikator { $id }
desk-target-incident = sak { $id }
desk-target-campaign = kampanje { $id }
desk-target-muting = demping { $id }
desk-not-gone = finnes ikke lenger, eller har ingen alarmer
desk-not-already = er slik allerede
desk-not-judged = alle alarmene er vurdert fra før
desk-not-case = hører til ingen åpen sak
desk-not-such = det kan ikke gjøres med denne
desk-not-closed = er lukket; åpne saken igjen først
desk-not-full = det er ikke plass til mer
desk-not-muted = er ikke dempet, eller ikke lenger
desk-done = Gjort
desk-done-n = { $n ->
    [1] Gjort med 1.
   *[other] Gjort med { $shown }.
}
desk-not-done = Ikke gjort
desk-withdrawn = { $n ->
    [1] 1 indikator er trukket tilbake.
   *[other] { $shown } indikatorer er trukket tilbake.
}
desk-withdrawn-next = Sensorene hører om det med neste liste.
desk-back = Tilbake til listen
desk-bad-none = Ingenting er valgt. Kryss av for det som skal behandles.
desk-bad-many = For mange er valgt. Behandle høyst 100 om gangen.
desk-bad-reason = Skriv en begrunnelse på én linje, høyst 400 byte.
desk-bad-note = Skriv et notat på én linje, høyst 2000 byte.
desk-bad-days = Antall døgn må være fra 1 til 365.
desk-bad-member = Det finnes ikke noe medlem med det nummeret. Skriv nummeret, for eksempel 3407, eller la feltet stå tomt.
desk-bad-title = Ikke gjort

# Å komme inn

sign-in-title = Logg inn
sign-in-words = Denne siden er for CSIRT-et og medlemmene. Har du ikke konto, be CSIRT-et om en invitasjon. Har du mistet passordet eller den andre faktoren, lager CSIRT-et en lenke til deg.
sign-in-button = Logg inn
sign-out = Logg ut
link-whose = Lenken gjelder kontoen { $name }.
link-once = Lenken virker én gang. Er det ikke du som har bedt om den, lukk siden og si fra til CSIRT-et.
spent-title = Lenken gjelder ikke
spent-words = Den er brukt, for gammel, eller en nyere er laget. Be CSIRT-et om en ny.
forbidden-title = Ikke for din rolle
forbidden-words = Du er logget inn, men rollen din gir ikke adgang til denne siden. Trenger du den, spør en administrator hos CSIRT-et. Du kan også logge ut og komme inn med en annen konto.
unknown-title = Ikke logget inn
unknown-words = Økten er slutt, eller du har ikke logget inn. Last siden på nytt for å logge inn.
elsewhere-title = Ikke gjort
elsewhere-words = Skjemaet kom ikke fra en side som gjelder nå. Ingenting er endret. Gå tilbake, last siden på nytt og prøv en gang til.
unread-title = Ikke lest
unread-words = Det som ble sendt, var for stort, kom for sent eller var ikke et skjema. Ingenting er endret.
screen-title = Skjerm på veggen
screen-words = En skjerm viser oversikten, uten maskiner og uten at noen er logget inn. Den trenger en nøkkel, som lages slik:
screen-token = Skjermens nøkkel
screen-button = Vis oversikten
screen-wrong = Dette er ingen nøkkel for en skjerm, eller den gjelder ikke lenger.
sign-in-wrong = Navn, passord eller kode er feil. Sjekk alle tre. Har du mistet noe av det, lager CSIRT-et en lenke til deg.
sign-in-wait = { $n ->
    [one] For mange forsøk. Vent ett sekund og prøv igjen.
   *[other] For mange forsøk. Vent { $shown } sekunder og prøv igjen.
 }
oidc-sign-in = Logg inn med { $name }
oidc-or = Eller med passord og kode:
oidc-accept = Ta i bruk kontoen med { $name }
oidc-or-choose = Eller velg passord og andre faktor her:
oidc-tie = Koble til
oidc-untie = Koble fra
oidc-tied = Kontoen er koblet til { $name } siden { $since }. Du kan logge inn der i stedet for med passord og kode.
oidc-untied = Kontoen er ikke koblet til { $name }. Kobler du den til, kan du logge inn der i stedet for med passord og kode.
oidc-late = Svaret fra { $name } hører ikke til noe du begynte på her nå nettopp. Begynn på nytt: det må være i samme nettleser, og innen ti minutter.
oidc-refused = { $name } slapp deg ikke inn, eller svaret derfra kunne ikke brukes. Prøv en gang til. Hjelper ikke det, står årsaken i samlerens logg.
oidc-unreachable = { $name } svarer ikke. Vent litt og prøv igjen, eller logg inn med passord og kode.
oidc-one-factor = { $name } sier ikke at du brukte en andre faktor, og den må til her. Slå på totrinnsinnlogging der, eller spør den som drifter innloggingen.
oidc-unknown = Du er logget inn hos { $name }, men ingen konto her er koblet til deg der. Be CSIRT-et om en invitasjon, eller logg inn med passord og kode og koble kontoen til under «Min konto».
oidc-taken = En annen konto her er allerede koblet til deg hos { $name }. Logg ut der og inn som en annen, eller bruk den kontoen.
oidc-spent = Lenken eller økten du begynte med, gjelder ikke lenger. Ingenting er endret.
no-room-title = Disken til samleren er full
no-room-words = Ingen kan logge inn før det er plass på den: at noen kom inn, kan ikke skrives. Den som drifter samleren, må gjøre plass; sensorene holder på det de har imens.
left-title = Du er logget ut her
left-words = Denne nettleseren har glemt økten, men samleren fikk ikke avsluttet den, fordi disken er full eller databasen ikke kan skrives. Den er over når den har stått ubrukt en stund, og senest åtte timer etter at den begynte.
busy-title = Vent litt
busy-words = Mange logger inn samtidig. Prøv igjen om noen sekunder.
often-title = For mange forsøk
often-words = Vent et minutt og prøv igjen.
field-name = Brukernavn
field-password = Passord
field-code = Kode fra telefonen
field-code-words = Seks siffer fra appen. Har du ikke telefonen, skriv en av gjenopprettingskodene.
field-new-password = Nytt passord
field-password-words = Minst 12 tegn. Flere vanlige ord etter hverandre er bra; lengden teller.
field-again = Det nye passordet én gang til
field-current = Passordet du har nå
choose-title = Velg passord og andre faktor
choose-whose = Du er invitert som { $name }.
choose-button = Ta i bruk kontoen
first-words = Ingen har konto her ennå. Den første blir administrator og kan invitere de andre.
factor-title = Andre faktor
factor-words = Les firkanten med en app for engangskoder, for eksempel den som følger med telefonen. Skriv så koden appen viser.
factor-square = Firkant med hemmeligheten for appen
factor-typed = Kan du ikke lese firkanten, skriv dette i appen:
codes-title = Gjenopprettingskoder
codes-words = Skriv dem ut eller gjem dem i en passordhåndterer nå: de vises ikke igjen. Hver virker én gang, i stedet for koden fra telefonen.
codes-go-on = Jeg har tatt vare på dem. Gå videre
own-title = Min konto
own-sessions = Åpne økter
own-session = Begynte { $began }, sist i bruk { $seen }.
own-session-this = Denne
own-session-end = Avslutt
own-language = Språk på sidene
own-save = Lagre
own-password = Passord
own-password-button = Bytt passord
own-no-password = Kontoen har ikke passord ennå. En administrator lager en invitasjon slik:
own-factor-button = Bytt andre faktor
own-codes-left = { $n ->
    [one] Én av ti gjenopprettingskoder er igjen. Bytter du andre faktor, får du ti nye.
   *[other] { $shown } av ti gjenopprettingskoder er igjen. Bytter du andre faktor, får du ti nye.
 }
fault-name = Navnet må ha minst to bokstaver, bare bokstaver, sifre og . - _ @ +, og ikke være tatt.
fault-short = Passordet er for kort. Det må ha minst { $least } tegn.
fault-long = Passordet er for langt.
fault-common = Passordet er blant dem som prøves først. Velg flere ord som ikke hører sammen.
fault-own-name = Passordet er nesten det samme som navnet. Velg noe annet.
fault-differs = De to passordene er ikke like.
fault-code = Koden stemmer ikke. Vent til appen viser en ny, og se etter at telefonens klokke går riktig.
fault-wrong = Passordet du har nå, stemmer ikke.
account-role-analyst = analytiker
account-role-publisher = publiserer
account-role-administrator = administrator
account-role-auditor = revisor
account-role-it = IT-ansvarlig
account-role-management = ledelse
account-role-wall = skjerm
# Varsel til medlemmer og tiltak
said-advisory-sent = Varsel sendt: { $title }
said-advisory-corrected = Rettet varsel sendt: { $title }
said-advisory-to = { $n ->
    [1] (til 1 medlem)
   *[other] (til { $shown } medlemmer)
}
said-advisory-read = { $name } ({ $number }) bekreftet lest
said-advisory-answered = { $name } ({ $number }) svarte: { $answer }
said-advisory-withdrawn = Varselet er trukket tilbake: { $reason }
answer-not-affected = Vi er ikke rammet.
answer-affected = Vi er rammet.
answer-need-help = Vi trenger hjelp.
answer-measure-done = Tiltak er gjort.
answer-measure-done-named = Tiltaket er gjort: { $title }.
advisories-title = Varsler
advisories-none = Ingen varsler ennå.
bank-title = Tiltaksbanken
bank-words = Det dere kan gjøre selv, i den rekkefølgen det som regel gjøres. Numrene viser til NSMs grunnprinsipper for IKT-sikkerhet.
measure-sort = { $sort }, { $purpose } · NSM { $nsm }
measure-organisational = Organisatorisk
measure-human = Menneskelig
measure-physical = Fysisk
measure-technological = Teknologisk
measure-prevent = forebygge
measure-detect = oppdage
measure-handle = håndtere
measure-done-when = Gjort når:
col-advisory = Varsel
col-sent = Sendt
col-read = Lest
advisory-draft = utkast
advisory-sent = sendt
advisory-corrected = rettet
advisory-withdrawn = trukket tilbake
advisory-withdrawn-why = Dette varselet gjelder ikke lenger:
advisory-corrected-words = Dette varselet er rettet.
advisory-corrected-link = Les den nye versjonen
advisory-corrects = Dette er en rettet versjon. Se den forrige
advisory-no-text = (ingen tekst ennå)
advisory-read-of = Lest av { $read } av { $of }
advisory-read = Bekreftet lest
advisory-unread = Ikke bekreftet lest
advisory-own = Hos dere
advisory-own-incident = Saken deres
advisory-others = Varselet er sendt til minst { $least } andre.
advisory-measures = Tiltak
advisory-measures-further = Der det kom lenger
advisory-measures-further-words = Dette gjelder der angrepet kom lenger enn hos dere. Dere trenger ikke gjøre det nå.
advisory-calls = Ikke lest – ring disse
advisory-calls-none = Alle som har fått varselet, har bekreftet at det er lest.
advisory-no-telephone = Ikke noe telefonnummer i profilen
advisory-mail-distrusted = Får ikke e-post, den kan være lest av andre: { $why }
advisory-no-address = Får ikke e-post: ingen adresse i profilen
advisory-called = Ringt { $at } av { $who }
advisory-answers = Svar
advisory-answers-none = Ingen har svart ennå.
advisory-readers = Har lest
advisory-mails = E-post som ikke er kommet fram
advisory-mail-waits = { $member }: venter, prøves igjen { $next }. { $why }
advisory-mail-given-up = { $member }: ikke sendt. { $why }
advisory-confirm = Bekreft lest
answer-title = Svar
answer-legend = Hva er situasjonen hos dere?
answer-words = Vi svarer med egne ord.
answer-measure = Hvilket tiltak er gjort
answer-text = Mer å si (kan stå tomt)
answer-button = Send svaret
answer-wrong-none = Velg et svar, og si hvilket tiltak som er gjort eller hva dere vil si. Ingenting er sendt ennå.
answer-wrong-long = Teksten er for lang: høyst { $most } byte. Ingenting er sendt ennå.
advisory-called-button = Ringt
news-title = Nytt siden sist:
news-campaigns = { $n ->
    [1] 1 ny kampanje
   *[other] { $shown } nye kampanjer
}
news-incidents = { $n ->
    [1] 1 ny sak
   *[other] { $shown } nye saker
}

# Indicators
intel-all = Alle indikatorer
intel-allowed = På tillatt-listen siden { $since }, av { $who }: { $reason }
intel-allowed-over = Sto på tillatt-listen fra { $since }, av { $who }: { $reason }. Det gjelder ikke lenger.
intel-bad-reason = Skriv en grunn: en setning på én linje. Den står i revisjonsloggen.
intel-bad-sure = Kryss av for at det er ment.
intel-bad-until = Velg en dag, for eksempel 31.01.2027.
intel-braked = Bremset: treff telles uten alarm til { $until }.
intel-by-kind = Slag
intel-by-source = Kilde
intel-by-tlp = Merking
intel-claims = Hvem sier det
intel-claims-more = { $n ->
     [one] Én eldre påstand vises ikke.
    *[other] { $shown } eldre påstander vises ikke.
}
intel-copied = Kopiert
intel-copy = Kopier
intel-copy-what = Kopier { $what } slik den er
intel-filter-help = Ord søkes i indikatorer og trusler. Minus foran utelater. Eksempel:
intel-first-published = Først publisert
intel-first-said = Først sagt
intel-follows = Hva det fører til
intel-from = Gjelder fra
intel-hide-withdrawn = Skjul dem som er trukket tilbake
intel-its-alerts = Se alarmene
intel-last-said = Sist sagt
intel-left-expired = tiden er ute
intel-left-fingerprint = et fortrolig fingeravtrykk kan ikke sendes ut som avtrykk
intel-left-lint = kontrollen holder den tilbake ({ $rule })
intel-left-recalled = den er tilbakekalt
intel-left-red = TLP:RED går ut bare når noen sier det: varde-collector publish --include-red
intel-left-unreadable = den kan ikke leses; importer den på nytt
intel-left-withdrawn = ingen kilde sier den lenger
intel-lint-always = Holdes tilbake. Kan ikke overstyres.
intel-lint-holds = Holdes tilbake. En publiserer kan overstyre.
intel-lint-none = Kontrollen før publisering har ingenting å si om den.
intel-lint-overridden = Går ut likevel: noen har overstyrt det.
intel-lint-warns = Går ut. Dette er bare en advarsel.
intel-marked = Merket
intel-met = Treff så langt
intel-met-none = { $n ->
     [0] Ingen medlemmer har sensor ennå
     [one] Ikke møtt hos det ene medlemmet med sensor
    *[other] Ikke møtt hos noen av { $shown } medlemmer med sensor
}
intel-met-not-out = Ikke ute hos sensorene, så ingen kan ha møtt den
intel-met-of = hos { $members } av { $watched } medlemmer med sensor
intel-met-own = { $n ->
     [one] Én alarm hos dere
    *[other] { $shown } alarmer hos dere
}
intel-next-in = Neste publisering tar den med.
intel-next-neither = Den kommer ikke med i neste liste heller: { $why }.
intel-next-open = Etter neste publisering letes det etter den uten sluttid.
intel-next-out = Neste publisering tar den ut: { $why }.
intel-next-until = Etter neste publisering letes det etter den til { $until }.
intel-no-end = Uten sluttid
intel-none = Ingen indikatorer ennå. Lim inn et varsel under «Utkast», eller legg til en kilde.
intel-none-fit = Ingen indikatorer passer til dette.
intel-none-own = Ingenting på listen er møtt hos dere.
intel-out-no-more = Ikke ute lenger: den står ikke i noen liste som gjelder.
intel-out-not-yet = Ikke ute: den står ikke i noen liste ennå.
intel-out-open = Ute: sensorene leter etter den uten sluttid, etter liste { $list }.
intel-out-over = Står i liste { $list }, men tiden var ute { $until }: sensorene leter ikke lenger.
intel-out-until = Ute: sensorene leter etter den til { $until }, etter liste { $list }.
intel-override = Overstyr kontrollen
intel-override-go = La den gå ut likevel
intel-override-help = Den kommer med i neste liste, og går ut av seg selv når dagen er over. Grunnen står i revisjonsloggen.
intel-override-over = { $who } overstyrte { $rules } til { $until }: { $reason }. Det gjelder ikke lenger.
intel-override-stands = { $who } har overstyrt { $rules } til { $until }: { $reason }
intel-override-until = Til og med (høyst ett år)
intel-own = Møtt hos dere
intel-parts = Etterretning
intel-reason = Grunn
intel-recall = Tilbakekall indikatoren
intel-recall-go = Tilbakekall
intel-recall-help = Den går ut av alle lister nå, og kommer ikke inn igjen før noen opphever det. Ligger listenøkkelen hos vakten, telles den bare til listen er signert.
intel-recall-sure = Ja, ta den ut hos alle medlemmer
intel-recalled = Tilbakekalt { $since }: { $why }
intel-received = Mottatt
intel-refused = Det ble ikke gjort: { $why }
intel-rule = Regel
intel-sent = Liste { $list }, publisert { $at }, har { $total }.
intel-sent-counts = Antall etter kilde, slag og merking
intel-sent-few = Det som er delt med få, er ikke regnet med.
intel-sent-none = Ingen liste er publisert ennå.
intel-sent-of = { $count } av { $total }
intel-sent-title = Det sensorene leter etter
intel-show-withdrawn = Vis også dem som er trukket tilbake
intel-standing-title = Er den ute?
intel-state-published = Publisert
intel-state-recalled = Tilbakekalt
intel-state-unpublished = Ikke publisert
intel-state-withdrawn = Trukket tilbake
intel-tags = Merkelapper
intel-taken-back = Tatt tilbake
intel-techniques = Teknikker
intel-together = { $n ->
     [one] Én sensor melder videre maskiner samlet, fordi den traff for mange.
    *[other] { $shown } sensorer melder videre maskiner samlet, fordi den traff for mange.
}
intel-total = { $n ->
     [one] Én indikator
    *[other] { $shown } indikatorer
}
intel-total-more = Mer enn { $most } indikatorer
intel-network-cut = Nettverket rommer flere enn { $most } indikatorer, så filteret ser på de { $most } nyeste. Skriv et mindre nettverk.
intel-total-own = { $n ->
     [one] Én indikator er møtt hos dere
    *[other] { $shown } indikatorer er møtt hos dere
}
intel-until = Gjelder til
intel-url = Adresse
intel-where-met = Hvor den er møtt
kind-ja4 = JA4-fingeravtrykk

# Drafts
draft-added = { $n ->
     [0] Ingen nye indikatorer
     [one] Én ny indikator
    *[other] { $shown } nye indikatorer
}
draft-bad-empty = Lim inn et varsel eller en liste først.
draft-bad-large = Teksten er for lang til å limes inn. Lagre den som fil, og bruk varde-collector indicator import.
draft-bad-source = Skriv hvor det kommer fra, på én linje, for eksempel «NCSC».
draft-busy = En annen import pågår. Prøv igjen om litt; teksten din står her.
draft-by = Endret av { $who }.
draft-by-nobody = Ingen er kjent for å ha endret det den lages av siden den listen.
draft-by-since = Endret av { $who }, først { $since }.
draft-called = Utkastet heter
draft-changed = { $n ->
     [0] Ingen endret
     [one] Én endret
    *[other] { $shown } endret
}
draft-comes-to = { $taken } tas inn, av dem holdes { $held } tilbake fra listen. { $out } utelates. { $beside } er sett og tas ikke.
draft-fate = Hva som skjer med den
draft-fate-clue = Tas vare på for dere. Ingen sensor kan lete etter den.
draft-fate-harmless = Kilden sier at den er harmløs.
draft-fate-held = Tas inn, men kontrollen holder den tilbake ({ $rule }).
draft-fate-known = Tas inn. Kjent fra før.
draft-fate-left-out = Utelates.
draft-fate-over = Tas inn, men er for gammel til å gå ut.
draft-fate-passed = Sett, ikke tatt.
draft-fate-red = Tas inn. TLP:RED går ikke ut uten at noen sier det.
draft-fate-taken = Tas inn.
draft-for-few = delt med få
draft-format = Format
draft-format-auto = finn det ut
draft-held = Det som ikke går ut
draft-held-can = En publiserer kan overstyre, på indikatorens side.
draft-held-cannot = Kan ikke overstyres.
draft-held-first = De første
draft-held-help = Regler stanser det som ville gitt alarm hos alle. Finn indikatoren i listen over indikatorer for å overstyre den.
draft-held-none = Ingenting holdes tilbake.
draft-hits = { $hosts } maskiner hos { $members } medlemmer
draft-hits-help = Regnet ut av alarmene som er lagret. Det som den gang ikke traff noe, er ikke lagret her, så det er minst så mye.
draft-hits-none = Ingen av alarmene som er lagret
draft-lacks = Fire øyne: en annen enn { $who } må se gjennom utkastet før det publiseres. Et navn på maskinen og en konto her regnes ikke som to personer.
draft-lacks-unknown = Fire øyne: ingen vet lenger hvem som tok inn det nye. Ta det inn på nytt, så kan en annen se gjennom det.
draft-line = linje { $line }
draft-look = Se hva som tas inn
draft-look-again = Se på nytt
draft-looked = Dette blir tatt inn
draft-more = { $n ->
     [one] Én til vises ikke.
    *[other] { $shown } til vises ikke.
}
draft-next-title = Utkast til neste liste
draft-not-other = Noe er endret siden utkastet ble vist, så ingenting er gjort. Se gjennom det på nytt.
draft-not-overtaken = I samme øyeblikk publiserte, tilbakekalte eller vurderte noen andre noe. Ingenting er publisert. Prøv igjen.
draft-not-shrunken = Liste { $list } har { $held } indikatorer, og bare { $count } ville bli igjen. Ingenting er publisert. Er det ment, kryss av og publiser igjen.
draft-out-expired = { $n ->
     [one] Én er for gammel.
    *[other] { $shown } er for gamle.
}
draft-out-fingerprints = { $n ->
     [one] Ett fortrolig JA4-avtrykk kan ikke gå ut.
    *[other] { $shown } fortrolige JA4-avtrykk kan ikke gå ut.
}
draft-out-red = { $n ->
     [one] Én er merket TLP:RED. Den går ut bare med varde-collector publish --include-red.
    *[other] { $shown } er merket TLP:RED. De går ut bare med varde-collector publish --include-red.
}
draft-own-word = Teksten sier om seg selv: { $tlp }.
draft-paste = Lim inn et varsel
draft-prepare = Gjør klar til signering
draft-prepare-help = Listenøkkelen ligger hos vakten. Listen venter til den er signert der, og ingen sensor får den før.
draft-publish = Publiser dette utkastet
draft-publish-help = Det signeres med nøkkelen på samleren. Har dere en pilotgruppe, går det dit først.
draft-published = Liste { $list } er publisert og på vei til sensorene.
draft-read-as = Lest som { $format }.
draft-removed = { $n ->
     [0] Ingen går ut
     [one] Én går ut
    *[other] { $shown } går ut
}
draft-review = Si at du har sett gjennom det
draft-review-go = Jeg har sett gjennom det
draft-review-reason = Hva du har sett på
draft-reviewed-by = Sett gjennom av
draft-same = Ingenting nytt: listen som gjelder, sier det samme.
draft-see-next = Se utkastet til neste liste
draft-shrink = Ja, listen skal være så mye mindre
draft-sign-back = Så tilbake på samleren:
draft-sign-here = På samleren, skriv filen som skal signeres (tall og summer, ingen indikatorer):
draft-sign-how = Slik signeres den:
draft-sign-there = Hos den som har listenøkkelen:
draft-source-usual = Limt inn
draft-take = Ta inn
draft-text = Varsel, e-post, liste, CSV, STIX eller MISP
draft-text-help = Ingenting tas inn før du har sett hva det er. Filer med vedlegg og PDF: varde-collector indicator import.
draft-title = Utkast
draft-tlp-own = som det står, ellers TLP:AMBER
draft-warns = Kontrollen advarer:
draft-where = Hvor
draft-words = { $count }, holdt mot liste { $list }.
draft-words-first = { $count }. Ingen liste er publisert ennå.
draft-would-hit = Ville truffet

# Sources and lists
lists-bad-newer = En annen liste er kommet siden siden ble vist. Se på den, og gjør det på nytt om det er ment.
lists-by-itself = samleren selv, fordi den traff for mange
lists-by-recall = tilbakekalling
lists-channel-all = alle
lists-channel-pilot = pilotgruppen
lists-for = For hvem
lists-has = har liste { $list }
lists-has-none = har ingen liste
lists-lacking = Hvem som mangler den
lists-lift = Opphev
lists-lift-go = La den inn i lister igjen
lists-list = Liste { $list }
lists-number = Liste
lists-off = ikke tilkoblet
lists-published = Publisert
lists-reach = I kraft hos { $have } av { $sensors } sensorer som følger den
lists-reach-none = Ingen sensor følger den ennå
lists-reach-title = Hvor langt den nyeste er kommet
lists-recall = Tilbakekall liste { $list }
lists-recall-help = Det den forrige listen for alle hadde, gjelder igjen, under et nytt nummer. Det nye i denne kommer ikke inn igjen før noen opphever det.
lists-recall-lifted = Opphevet
lists-recall-stands = Står ute av alle lister
lists-recall-sure = Ja, ta tilbake liste { $list } hos alle medlemmer
lists-recalled = Tilbakekalte indikatorer
lists-recalled-none = Ingen indikator er tilbakekalt.
lists-title = Lister
source-bad-deed = Velg hva som skal gjøres med kilden.
source-bad-name = Det er ingen slik kilde. Noen kan ha tatt den bort.
source-brought = { $new } nye, { $gone } trukket tilbake
source-brought-last = Kom sist
source-brought-nothing = Ingenting er hentet ennå
source-do = Gjør
source-every-days = { $n ->
     [one] hver dag
    *[other] hver { $shown }. dag
}
source-every-hours = { $n ->
     [one] hver time
    *[other] hver { $shown }. time
}
source-every-minutes = { $n ->
     [one] hvert minutt
    *[other] hvert { $shown }. minutt
}
source-fetch = Hent nå
source-fetch-what = Hent nå: { $name }
source-fetching = { $name } hentes nå. Last siden på nytt om litt for å se hva som kom.
source-help = Det som hentes, går ikke ut før noen publiserer det.
source-last = Lyktes sist
source-none = Ingen kilde hentes ennå. En kilde legges til på samleren:
source-pause = La hvile
source-pause-what = La hvile: { $name }
source-record = Hvor ofte den har rett
source-record-met = { $hits } av { $shown } publiserte har hatt treff.
source-record-none = Ingenting av den er publisert ennå.
source-record-right = { $confirmed } av { $verdicts } vurderinger bekreftet.
source-record-unjudged = Ingen er vurdert.
source-release = Ta inn det som holdes
source-release-what = Ta inn det som holdes: { $name }
source-resume = Hent igjen
source-resume-what = Hent igjen: { $name }
source-standing = { $n } står etter den
source-state-fails = { $n ->
     [one] Feilet ved siste forsøk
    *[other] Har feilet { $shown } ganger på rad
}
source-state-good = Virker
source-state-held = Holdes: det som kom, er ikke tatt inn, og det som sto, står. Holdt siden
source-state-paused = Hviler
source-state-untried = Ikke prøvd ennå
source-title = Kilder
source-total = { $good } av { $all } kilder virker.
source-tried = prøvd
trust-waits-how = Slik signeres den
# Medlemmer, sensorer, revisjon og kontoer på sidene
members-none = Ingen medlemmer er lagt inn ennå. Legg inn det første slik:
members-map = Rutekart over kommunene. Tabellen under sier det samme.
members-standing = Slik står det til
members-standing-words = En rute er en kommune. Fylker og selskaper har ingen rute og står bare i tabellen. Øvelser teller ikke med.
members-key-hit = Rammet, i en åpen kampanje
members-key-alone = Rammet, egen sak
members-key-well = Alt vel: kan se, ingenting åpent
members-key-blind = Stille: kan ikke se nå
members-outside = Ikke med: { $count } av { $total } kommuner
members-hit = rammet
members-blind = stille
members-well = alt vel
members-list = Alle medlemmer
members-q = Navn eller nummer
members-sort-incidents = flest åpne saker
members-sort-heard = lengst siden sist hørt
members-shown = Viser { $count } av { $total } medlemmer
members-open = Åpne saker
members-none-open = ingen
members-sensors = Sensorer som hører
members-no-sensor = ingen
members-list-age = Eldste liste
members-no-list = har ingen liste
col-county = Fylke
any = alle
sort-by = Sorter etter
show-all = Vis alle
none-fits = Ingen passer med det som er valgt. «Vis alle» tar bort utvalget.
never = aldri
member-change = Endre
member-confirm-words = Stemmer alle kontaktene over?
member-confirm = Bekreft profilen
member-contact-change = Endre kontakt: { $role }
member-contact-add = Legg inn kontakt: { $role }
member-contact-right = Jeg har sjekket i dag at dette stemmer
member-contact-remove = Fjern kontakten
member-profile-change = Endre målform, lov, leverandørnett, domener og nett
member-supplier-hint = Medlemmer bak samme nett teller som ett når en kampanje avgjøres. La det stå tomt når det ikke er noe.
member-one-a-line = Én på hver linje, for eksempel
member-mail-distrust = Sett «mulig kompromittert e-post»
member-mail-distrust-words = Da sendes ingen e-post til medlemmet, heller ikke det som venter. Medlemmet står øverst blant dem som skal ringes.
member-mail-trust = Stol på e-posten igjen
member-mail-trust-words = Da sendes varsler til adressene i profilen igjen. Det som ikke ble sendt imens, sendes ikke nå.
member-mail-is-distrusted = Mulig kompromittert e-post: medlemmet får ingen e-post siden
member-enrol-another = Koble til en sensor til
member-bad-line = Skriv én linje med 1 til { $most } tegn.
member-bad-email = «{ $what }» er ingen e-postadresse. Skriv den som navn@domene.no.
member-bad-telephone = Det er ikke noe telefonnummer. Skriv åtte siffer (22 00 00 00), et kort nummer (02497) eller + og landet (+46 8 123 456).
member-bad-domain = «{ $what }» kan ikke være medlemmets eget domene. Skriv for eksempel gjovik.kommune.no.
member-bad-network = «{ $what }» er ikke noe nett. Skriv for eksempel 192.0.2.0/24 eller 2001:db8::/32.
member-bad-host-bits = { $what } er en adresse i et nett. Skriv { $right }.
member-bad-not-public = { $what } er ikke medlemmets eget nett på internett: bare nett som er synlige utenfra, hører hjemme her.
member-bad-many = Et medlem kan ha høyst { $domains } domener og { $networks } nett her.
bad-reason = Skriv en grunn på én linje.
reason = Grunn
saved = Endringen er lagret.
sensors-silent = stille eller døve
sensors-waiting = venter på godkjenning
sensors-behind = etter: ikke nyeste liste
sensors-ends-soon = sertifikat eller engangskode går snart ut
sensors-shown = Viser { $count } av { $total } sensorer
sensors-all = Alle sensorer
sensors-q = Medlem, nummer eller sensor
sensors-which = Vis
sensors-versions = Versjoner i bruk
sensors-pilot = Pilotgruppen
sensors-others = Alle andre
sensors-pilot-one = pilot
sensors-ends = går ut
sensors-wait-title = Venter på godkjenning
sensors-wait-words = Ring medlemmet og la dem lese de åtte ordene de ser. Godkjenn bare når alle åtte er de samme.
sensors-waits-since = Har ventet siden
sensors-same-words = De leste opp de samme åtte ordene
sensors-approve = Godkjenn
sensors-refuse = Avvis
sensors-revoke = Steng ute
sensors-not-compared = Ikke godkjent: kryss av for at de leste opp de samme åtte ordene.
sensors-waits-not = Sensoren venter ikke lenger. Noen andre kan ha svart.
sensors-new = Koble til en ny sensor
sensors-new-words = Dere får en engangskode til medlemmet. Den virker én gang, i 72 timer.
sensors-new-number = Medlemmets nummer
sensors-new-go = Lag engangskoden
sensors-no-member = Det finnes ikke noe medlem med det nummeret. Skriv for eksempel 3407.
sensors-no-address = Ingen engangskode er laget: samleren vet ikke hvilken adresse sensorene skal ringe. Sett den med varde-collector init --address.
token-title = Engangskode til en ny sensor
token-for = Til
token-once = Engangskoden vises bare nå. Går den tapt, lag en ny.
token-secret = Engangskoden
token-until = Den virker én gang, til
token-hand-over = Den er hemmelig: gi den personlig eller i en kryptert melding.
token-how = På sensoren
token-package = Legg pakken på maskinen:
token-line = Kjør denne linjen. Engangskoden står ikke i den, så ingen andre på maskinen ser den.
token-paste = Lim inn engangskoden når programmet venter, og trykk Enter og Ctrl-D.
token-words = Programmet viser åtte ord for denne samleren. De skal være:
token-dials = Sensoren ringer { $quic } og { $enroll }, begge over UDP.
token-back = Til sensorene
revoke-words = Økten brytes straks, og sensoren slipper ikke inn igjen. Skal medlemmet ha en sensor etterpå, må den kobles til med en ny engangskode.
revoke-sure = Ja, steng ute sensoren til { $sensor }
revoke-not-sure = Ikke gjort: kryss av for at sensoren skal stenges ute.
revoke-before = Sensoren er stengt ute allerede.
revoke-not = Avbryt
audit-title = Revisjonslogg
audit-looking = Loggen holdes mot seg selv nå.
audit-again = Last siden på nytt
audit-is-whole = Loggen er hel.
audit-whole = { $entries } linjer, fra nr. { $first } til nr. { $last }, henger sammen. { $since } er skrevet siden.
audit-looked = Holdt sammen
audit-keep = Sum å ta vare på et annet sted
audit-keep-words = Den som kan skrive i databasen, kan skrive loggen på nytt. Bare en sum som ligger et annet sted, viser det. Skriv den for eksempel i vaktens protokoll hver mandag.
audit-broken = LOGGEN ER IKKE HEL, sett
audit-broken-next = La databasen ligge som den er, og sammenlign med siste kopi:
audit-list = Det som er gjort
audit-none = Ingenting er gjort ennå.
audit-what = Hva eller på hvem
audit-on = På hvem eller hva
audit-change = Før og etter
audit-all = alt som er lagret
audit-now = nå
audit-shown = Viser de { $count } nyeste av { $total } linjer
audit-shown-of-fit = Viser { $count } av { $fit } linjer som passer, av { $total } i alt
own-recovers = Du kom inn med en engangslenke. Du kan velge et nytt passord uten det gamle, én gang, så lenge økten varer. Har du mistet den andre faktoren også, bytt den etterpå.
nav-users = Brukere
users-title = Brukere
users-q = Navn eller medlemsnummer
users-shown = Viser { $count } av { $total } kontoer
users-seen = Sist inne
users-invite = Inviter
users-invite-words = Dere får en lenke som virker én gang, i 72 timer. Den som åpner den, velger passord og andre faktor selv.
users-invite-go = Lag invitasjonen
users-name-hint = Små bokstaver, for eksempel
users-role-hint = Analytiker, publiserer, administrator og revisor er hos CSIRT-et. IT-ansvarlig og ledelse er hos et medlem og ser bare sitt eget.
users-member-hint = Bare for IT-ansvarlig og ledelse.
users-bad-role = Velg en rolle.
users-needs-member = Rollen er hos et medlem. Skriv medlemmets nummer.
users-needs-no-member = Rollen er hos CSIRT-et. La medlemmets nummer stå tomt.
users-name-taken = Det finnes en konto med det navnet. Åpne den for å lage en ny invitasjon.
users-too-many = Det er ikke plass til flere kontoer.
users-back = Til brukerne
user-active = i bruk
user-invited = invitert, ikke tatt i bruk
user-no-factor = mangler andre faktor
user-stopped = stanset
user-factor = valgt; { $shown } av 10 gjenopprettingskoder igjen
user-at-provider = logger inn hos leverandøren
user-factor-provider = hos leverandøren
user-factor-none = ikke valgt
user-added = Lagt til
user-role = Kontoens rolle
user-role-go = Bytt rolle
user-ends-sessions = Åpne økter avsluttes straks.
user-way-in = Adgang
user-link = Lag en lenke som logger inn
user-link-words = Har eieren mistet passordet eller den andre faktoren: en lenke som logger inn én gang, innen en time. Der kan eieren velge nytt passord uten det gamle.
user-reset = Nullstill og inviter på nytt
user-reset-words = Kan noen ha fått tak i passord eller telefon: begge slettes, åpne økter avsluttes straks, og eieren velger på nytt med en invitasjon.
user-stop = Stans kontoen
user-stop-words = Skal eieren ikke inn mer: åpne økter og lenker avsluttes straks. Kontoen kan åpnes igjen.
user-start = Åpne kontoen igjen
user-start-words = Kontoen er stanset. Eieren kan komme inn igjen med passordet og den andre faktoren fra før.
user-no-session = Ingen økt er åpen.
user-end-sessions = Avslutt alle øktene
user-same = Ingenting er endret: det er slik allerede, eller kontoen er stanset.
user-last = Ikke gjort: dette er den siste administratoren som kan komme inn. Gi en annen rollen først.
user-link-title = Lenke
user-link-invites = Lenken inviterer { $name }: den som åpner den, velger passord og andre faktor.
user-link-signs-in = Lenken logger inn { $name }, uten passord og andre faktor.
user-link-once = Lenken vises bare nå. Går den tapt, lag en ny; da gjelder ikke denne.
user-link-send = Send den på en annen måte enn e-post hvis postkassen kan leses av andre.
# Forsiden til medlemmets IT og ledelse
home-reload = Last siden på nytt for å se om noe er endret.
home-in-doubt = Er du i tvil? Ring
home-now = Gjør dette nå
home-nothing = Ingenting venter på dere.
home-do = Hva dere gjør, i denne rekkefølgen
home-others = Minst { $shown } andre er rammet av det samme.
home-more-incidents = { $n ->
    [1] Og 1 sak til
   *[other] Og { $shown } saker til
}
home-unread = Varsler dere ikke har bekreftet lest
home-no-sensor = Dere har ingen sensor som er koblet til. Be responsmiljøet om en engangskode.
home-contacts = Hvem vi ringer hos dere
home-contacts-words = Når noe haster, ringer responsmiljøet disse, også om natten.
home-contacts-none = Vi vet ikke hvem vi skal ringe hos dere.
home-contacts-doubt = Se over hvem vi ringer hos dere, og bekreft at det stemmer
home-contacts-button = Alt stemmer i dag
home-contacts-wrong = Mangler noe, eller stemmer det ikke? Rett det selv
home-profile = Alt vi har om dere
home-lists = Hva sensoren leter etter
home-leaves-all = Alt som kan sendes ut, i { $shown } punkter
leaves-title = Hva som sendes ut av huset
leaves-yourself = Se det selv på sensoren, med ekte eksempler:
light-calm = Ingenting er funnet
light-calm-means = Sensorene ser trafikken, og ingen sak er åpen. Det de ikke kan se, sier dette ingenting om.
light-blind = Vi vet ikke
light-blind-means = Ingen sak er åpen, men ikke alle sensorene ser trafikken nå. Noe kan ha skjedd uten at det er sett.
light-seen = Kanskje
light-seen-means = Noe er sett som kan være et forsøk. Ingen kontakt med angriperen er sett.
light-contained = Ja, men det er stanset
light-contained-means = Noe var i kontakt med angriperen. Det er stanset, og det ryddes opp.
light-hit = Ja
light-hit-means = Minst én maskin har vært i kontakt med noe som er kjent som skadelig, eller noen har bekreftet at det er alvor.
remedy-deaf = Ingen trafikk kommer fram til sensoren. Sjekk speilporten og kabelen, og at riktig grensesnitt står i agent.toml. Kjør varde-agent doctor.
remedy-silent = Sjekk at maskinen er på, at den når nettet, og at tjenesten varde-agent går. Kjør varde-agent doctor.
remedy-never-came = Sensoren er koblet til, men har aldri meldt seg. Start tjenesten varde-agent, og kjør varde-agent doctor.
remedy-approval = Ring responsmiljøet og les opp ordene for det. De godkjenner sensoren.
remedy-token = Engangskoden er ikke brukt ennå. Kjør varde-agent enroll på maskinen.
remedy-token-expired = Engangskoden er gått ut uten å være brukt. Be responsmiljøet om en ny.
remedy-quarantined = To maskiner bruker samme identitet. Slå av kopien, og ring responsmiljøet.
remedy-revoked = Sensoren er sperret. Ring responsmiljøet hvis det ikke er meningen.
leadership-hit = Er vi rammet?
leadership-doing = Hva gjør vi?
leadership-ring = Hvem ringer vi?
leadership-nothing = Ingenting må gjøres nå.
leadership-nothing-said = Ingen tiltak er meldt ennå. Spør den dere ringer først, se under.
leadership-unread = { $n ->
    [1] 1 varsel er ikke bekreftet lest hos oss
   *[other] { $shown } varsler er ikke bekreftet lest hos oss
}
leadership-out-of-hours = utenom arbeidstid
leadership-ring-none = Ingen telefonnumre er registrert hos oss. Be IT-ansvarlig legge dem inn her i Varde.
leadership-ring-operator = Responsmiljøet,
leadership-operator-unknown = Numrene til responsmiljøet står ikke her. Bruk det dere har fått fra
# Videre fra andres sider
onward-title = Et øyeblikk
onward-words = Siden går videre av seg selv. Gjør den ikke det, bruk lenken.
onward-link = Gå videre
advisory-mail-hung = { $member }: var på vei { $at }, og ingen vet om den kom fram. Ring, eller send den på nytt.
# Å skrive et varsel
write-title = Skriv et varsel
write-change = Endre utkastet
write-about = Handler om
write-words = Det er et utkast til du har sett over det og sendt det. Ingen får noe før det.
write-problems = Ingenting er lagret ennå. Rett dette:
write-heading = Overskrift
write-text = Tekst
write-markup = Vanlig tekst. # og ## begynner overskrifter, - punkter, 1. trinn, og en tom linje skiller avsnitt. Lenker og HTML blir stående som tekst.
write-tlp = Hvor langt kan det deles?
write-tlp-clear = fritt
write-tlp-green = i sektoren
write-tlp-amber = i egen virksomhet, og med dem som må vite det
write-tlp-strict = bare i egen virksomhet
write-tlp-red = bare den som leser
write-to = Hvem skal ha det?
write-to-campaign = Medlemmene i kampanjen, slik de er når det sendes
write-to-all = Alle medlemmer
write-to-chosen = Disse:
write-numbers = Kommunenumre
write-numbers-words = Med mellomrom eller komma mellom. Brukes når «Disse» er valgt.
write-measures = Hva de bør gjøre
write-measures-words = Tiltak fra banken. De som er foreslått, følger av hvor langt det kom. Velger du andre, gjelder de alle som får varselet.
write-proposed = foreslått
write-button = Lagre og se over
write-wrong-title = { $language }: overskriften mangler, er lengre enn { $most } byte eller går over flere linjer.
write-wrong-no-text = { $language }: teksten mangler. Skriv hva medlemmene må vite og gjøre, eller tøm overskriften.
write-wrong-text = { $language }: teksten er lengre enn { $most } byte eller har styretegn i seg. Kort den ned, og lim inn som ren tekst.
write-wrong-nothing = Det står ingen tekst på bokmål eller nynorsk. Skriv en av dem.
write-wrong-tlp = Velg hvor langt det kan deles.
write-wrong-nobody = Velg hvem som skal ha det, for eksempel 3407 0301.
write-wrong-member = { $number } er ikke nummeret til et medlem. Skriv fire siffer, for eksempel 3407.
write-wrong-campaign = Varselet handler ikke om en kampanje. Velg medlemmer, eller alle.
write-wrong-measures = Velg høyst { $most } tiltak fra banken.
write-wrong-changed = Noen har endret utkastet siden du åpnet det. Det du skrev, står her og er ikke lagret. Se på utkastet slik det er nå; lagrer du etterpå, gjelder det som står her.
write-as-it-is = Se på utkastet slik det er nå
written-title = Se over utkastet
draft-reach = Hvem får det
draft-members = { $n ->
    [0] Ingen medlemmer får det.
    [1] 1 medlem får det.
   *[other] { $shown } medlemmer får det.
}
draft-mails = { $mail } av { $of } får e-post om at det er kommet. Den sier ikke noe om innholdet.
draft-no-mail = Ingen får e-post: det står ingen mail_server i collector.toml.
draft-who = Vis medlemmene
draft-calls = { $n ->
    [1] 1 medlem får ikke e-post, og må ringes
   *[other] { $shown } medlemmer får ikke e-post, og må ringes
}
draft-nobody = Det går ikke til noen. Velg hvem som skal ha det.
draft-send = Send det
draft-send-words = Det som er sendt, endres aldri. Er noe feil, kan det rettes med en ny versjon eller trekkes tilbake.
draft-seen = Jeg har lest det slik medlemmene får det
draft-unread = Kryss av for at du har lest det. Ingenting er sendt ennå.
draft-unsent-changed = Noen har endret utkastet siden det ble vist, så ingenting er sendt. Les det på nytt nedenfor, og send det da.
draft-send-button = { $n ->
    [1] Send til 1 medlem
   *[other] Send til { $shown } medlemmer
}
draft-change = Endre
draft-drop = Forkast utkastet
draft-preview = Slik leser medlemmene det
draft-by-member = Tiltakene er foreslått for kampanjen. Hvert medlem får dem som passer til hvor langt det kom der, øverst.
advisory-to-draft = Se over og send
advisory-mail-again = Send e-posten på nytt til dem den ikke nådde

# People and formats, as pages of intelligence name them
draft-format-csv = tabell (CSV)
draft-format-plain = liste, én på hver linje
draft-format-prose = tekst eller e-post
intel-account = { $name } (konto)
