-- What a sensor's last session came over: 'quic', or 'tcp' where UDP is blocked; none before its first.

ALTER TABLE sensor ADD COLUMN carrier TEXT;
