-- Who somebody is at the operator's own provider (OpenID Connect): by issuer and subject, which no provider gives to another.

CREATE TABLE account_oidc (
    account_id BIGINT PRIMARY KEY REFERENCES account (id),
    issuer     TEXT   NOT NULL,
    subject    TEXT   NOT NULL,
    tied_at    BIGINT NOT NULL,
    UNIQUE (issuer, subject)
);
