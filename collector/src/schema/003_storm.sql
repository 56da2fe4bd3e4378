-- Alerts of many hosts, told of together because more came at once than a sensor tells host by host.

-- About how many hosts the indicator met at the sensor's site, those with an alert of their own included; null = an alert
-- of one host or of none.
ALTER TABLE alert ADD COLUMN hosts BIGINT;
