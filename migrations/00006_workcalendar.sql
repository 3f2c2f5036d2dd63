-- +goose Up

-- Whose public holidays are kept. A region that is here is not filled with what is built in a second time, whatever
-- of it was changed or taken away since.
CREATE TABLE workcalendars (
    region     text        PRIMARY KEY CHECK (region ~ '^[a-z]{2}(-[a-z0-9]{1,8})?$'),
    version    bigint      NOT NULL DEFAULT 1,
    updated_at timestamptz NOT NULL DEFAULT now()
);

-- The days of a region that are not what their weekday says.
CREATE TABLE workcalendar_days (
    region text NOT NULL REFERENCES workcalendars (region) ON DELETE CASCADE,
    day    date NOT NULL CHECK (day BETWEEN '2000-01-01' AND '2199-12-31'),
    name   text NOT NULL CHECK (name <> '' AND char_length(name) <= 100),
    kind   text NOT NULL CHECK (kind IN ('off', 'work')),
    -- A day is one thing: a holiday or a working day, once.
    PRIMARY KEY (region, day)
);

-- The years whose holidays are known. Of any other year nothing is guessed.
CREATE TABLE workcalendar_years (
    region text    NOT NULL REFERENCES workcalendars (region) ON DELETE CASCADE,
    year   integer NOT NULL CHECK (year BETWEEN 2000 AND 2199),
    PRIMARY KEY (region, year)
);

-- +goose Down
DROP TABLE workcalendar_years;
DROP TABLE workcalendar_days;
DROP TABLE workcalendars;
