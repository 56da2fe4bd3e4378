-- What the API asks for page by page, each behind the one before: by when it came, which never changes.

CREATE INDEX alert_by_arrival ON alert (arrived_at);
CREATE INDEX alert_by_member_and_arrival ON alert (member_id, arrived_at);
CREATE INDEX incident_by_opening ON incident (opened_at);
CREATE INDEX incident_by_member_and_opening ON incident (member_id, opened_at);
CREATE INDEX campaign_by_opening ON campaign (opened_at);
CREATE INDEX silence_by_beginning ON silence (began_at);
