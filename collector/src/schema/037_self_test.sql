-- A sensor's own test of the whole way: that it came, and which one. It is no alert, and counts as none.

ALTER TABLE sensor ADD COLUMN self_tested_at BIGINT;      -- when the last one was committed
ALTER TABLE sensor ADD COLUMN self_test_number BIGINT;    -- its number, which the sensor drew: 64 bits, as they lie
