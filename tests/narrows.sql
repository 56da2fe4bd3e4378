-- A sensor's settings came to name two block pages.
UPDATE sensor SET sight = '{
    "newest": {
        "heard": {"both": 1, "inside_alone": 0, "outside_alone": 0, "other_alone": 0, "answered": 0, "unanswered": 0, "unasked": 0},
        "exclusions": {"sources": 1, "shares": false, "inside_v4": 0, "inside_v6": 0, "resolvers": 0, "sinkholes": 2, "dns_ports": 1,
            "data_out_octets": 1048576, "frequent_hosts": 256, "digest": 2}
    },
    "mark": {"both": 1, "inside_alone": 0, "outside_alone": 0, "other_alone": 0, "answered": 0, "unanswered": 0, "unasked": 0},
    "mark_at": "2026-01-01T00:00:00Z",
    "lately": null,
    "accepted": {"sources": 1, "shares": false, "inside_v4": 0, "inside_v6": 0, "resolvers": 0, "sinkholes": 0, "dns_ports": 1,
        "data_out_octets": 1048576, "frequent_hosts": 256, "digest": 1},
    "changed_at": "2026-01-01T00:00:00Z"
}' WHERE id = 1;
