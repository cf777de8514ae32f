/*
 * bulk_parse_time.c
 *		Reads date, time, timestamp and timestamptz in the forms of ISO 8601
 *		that the server writes with DateStyle ISO:
 *
 *		YYYY-MM-DD
 *		HH:MM[:SS[.f]]							f: 1 to 9 digits
 *		date [ T] time [Z | +-hh[[:]mm[:ss]]]	the zone right after the time
 *
 * They mean the same under any DateStyle.  Years are 0001 to 9999, and leap
 * seconds and 24:00 are left to the input functions.
 *
 * A time without a zone is in the session's TimeZone.  The rules are those of
 * DetermineTimeZoneOffset(); what is kept between calls is the answer of
 * pg_next_dst_boundary(), which is the same for every moment from the one it
 * was asked for up to the change that it found.  That is so for all time, as
 * zones are never changed or freed in a running server process.
 */
#include "bulk/values/bulk_parse.h"

#include <math.h>

#include "datatype/timestamp.h"
#include "pgtime.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

#define DATE_LEN		10		/* YYYY-MM-DD */
#define MINUTES_LEN		5		/* HH:MM */
#define SECONDS_LEN		8		/* HH:MM:SS */
#define MAX_FRACTION	9		/* digits of a second */

/* From 1970-01-01 to 2000-01-01. */
#define EPOCH_SECONDS \
	((pg_time_t) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY)

/* Two digits; 100 or more if they are not. */
static inline unsigned
two_digits(const char *text)
{
	unsigned	high = (unsigned char) (text[0] - '0');
	unsigned	low = (unsigned char) (text[1] - '0');

	return high > 9 || low > 9 ? 100 : high * 10 + low;
}

/* ---- dates and times of day ---- */

/* Days since 2000-01-01. */
static inline bool
read_date(const char *text, int32 *days)
{
	unsigned	century = two_digits(text);
	unsigned	year = two_digits(text + 2);
	unsigned	month = two_digits(text + 5);
	unsigned	day = two_digits(text + 8);

	if (text[4] != '-' || text[7] != '-' || century > 99 || year > 99)
		return false;
	year += century * 100;
	if (year == 0 || month == 0 || month > MONTHS_PER_YEAR ||
		day == 0 || day > (unsigned) day_tab[isleap(year)][month - 1])
		return false;
	*days = date2j(year, month, day) - POSTGRES_EPOCH_JDATE;
	return true;
}

/*
 * Microseconds of .f; the same arithmetic as the server's where it rounds.  What
 * rounds to a whole second is not for us: the zone is that of the second before.
 */
static inline const char *
read_fraction(const char *text, const char *end, int64 *microseconds)
{
	static const double powers_of_ten[MAX_FRACTION + 1] = {
		1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9
	};
	const char *start = ++text;
	uint64		digits = 0;
	int			ndigits;

	text = bulk_read_digits(text, end, &digits);
	ndigits = text - start;
	if (ndigits == 6)
		*microseconds = digits;
	else if (ndigits > 0 && ndigits <= MAX_FRACTION)
		*microseconds = (int64) rint((double) digits / powers_of_ten[ndigits] * 1000000);
	else
		return NULL;
	return *microseconds < USECS_PER_SEC ? text : NULL;
}

/* Microseconds of the day; returns where it ends, or NULL. */
static inline const char *
read_time(const char *text, const char *end, int64 *time)
{
	unsigned	hour;
	unsigned	minute;
	unsigned	second = 0;
	int64		fraction = 0;

	if (end - text < MINUTES_LEN || text[2] != ':')
		return NULL;
	hour = two_digits(text);
	minute = two_digits(text + 3);
	if (end - text >= SECONDS_LEN && text[5] == ':')
	{
		second = two_digits(text + 6);
		text += SECONDS_LEN;
		if (text < end && *text == '.')
			text = read_fraction(text, end, &fraction);
	}
	else
		text += MINUTES_LEN;
	if (hour >= HOURS_PER_DAY || minute >= MINS_PER_HOUR || second >= SECS_PER_MINUTE)
		return NULL;
	*time = ((hour * MINS_PER_HOUR + minute) * SECS_PER_MINUTE + second) * USECS_PER_SEC +
		fraction;
	return text;
}

/* ---- zones ---- */

/* What there is to know of the session's zone. */
#define CACHE_SECONDS	(UINT64CONST(1) << 22)	/* of one entry, 48 days */
#define CACHE_ENTRIES	256

typedef struct Offsets
{
	pg_time_t	from;			/* first moment that they are known to be right for */
	pg_time_t	boundary;		/* first one that they are not; the change */
	long int	before;			/* seconds east of Greenwich */
	long int	after;			/* from the boundary on */
} Offsets;

static struct
{
	pg_tz	   *zone;			/* that all of this is about */
	bool		letters;		/* T and Z mean what they should */
	Offsets		offsets[CACHE_ENTRIES];
} session;

/* Abbreviations of time zones can be configured, and come before other words. */
static bool
letters_are_plain(void)
{
	int			kind;
	int			offset;
	pg_tz	   *zone;

	purser_DecodeTimezoneAbbrev("t", &kind, &offset, &zone);
	if (kind != UNKNOWN_FIELD)
		return false;
	purser_DecodeTimezoneAbbrev("z", &kind, &offset, &zone);
	return kind == TZ && offset == 0;
}

static void
use_session_zone(void)
{
	memset(&session, 0, sizeof(session));
	session.zone = session_timezone;
	session.letters = letters_are_plain();
}

/* To be called for each load: the abbreviations may have changed. */
void
bulk_parse_time_prepare(void)
{
	use_session_zone();
}

/* The change next to the moment, as DetermineTimeZoneOffset() looks for it. */
static inline bool
next_change(pg_time_t moment, Offsets *found)
{
	Offsets    *known = &session.offsets[((uint64) moment / CACHE_SECONDS) % CACHE_ENTRIES];
	int			is_dst;
	int			result;

	if (moment >= known->from && moment < known->boundary)
	{
		*found = *known;
		return true;
	}
	found->from = moment;
	result = pg_next_dst_boundary(&moment, &found->before, &is_dst, &found->boundary,
								  &found->after, &is_dst, session.zone);
	if (result > 0)
		*known = *found;
	return result > 0;
}

/* Seconds east of Greenwich at a local time, in seconds since 1970. */
static long int
session_offset(pg_time_t local)
{
	Offsets		offsets;
	pg_time_t	before;
	pg_time_t	after;

	if (session.zone != session_timezone)
		use_session_zone();
	if (!next_change(local - SECS_PER_DAY, &offsets))
		return offsets.before;
	before = local - offsets.before;
	after = local - offsets.after;
	if (before < offsets.boundary && after < offsets.boundary)
		return offsets.before;
	if (before > offsets.boundary && after >= offsets.boundary)
		return offsets.after;
	/* A time that was left out, or came twice. */
	return before > after ? offsets.before : offsets.after;
}

/* +-hh[[:]mm[:ss]], up to the end. */
static inline bool
read_offset(const char *text, const char *end, long int *offset)
{
	bool		negative = *text == '-';
	unsigned	hour;
	unsigned	minute = 0;
	unsigned	second = 0;
	int			len = end - text;

	if (len < 3 || (*text != '-' && *text != '+'))
		return false;
	hour = two_digits(text + 1);
	if (len == 5)
		minute = two_digits(text + 3);
	else if (len == 6 && text[3] == ':')
		minute = two_digits(text + 4);
	else if (len == 9 && text[3] == ':' && text[6] == ':')
	{
		minute = two_digits(text + 4);
		second = two_digits(text + 7);
	}
	else if (len != 3)
		return false;
	if (hour > MAX_TZDISP_HOUR || minute >= MINS_PER_HOUR || second >= SECS_PER_MINUTE)
		return false;
	*offset = (long int) ((hour * MINS_PER_HOUR + minute) * SECS_PER_MINUTE + second);
	if (negative)
		*offset = -*offset;
	return true;
}

/* ---- timestamps ---- */

/* A date, and a time and a zone if they are there; *zone is where that begins. */
static inline bool
read_timestamp(const char *text, const char *end, Timestamp *local, const char **zone)
{
	int32		days;
	int64		time = 0;

	if (end - text < DATE_LEN || !read_date(text, &days))
		return false;
	text += DATE_LEN;
	if (text < end)
	{
		if (*text != ' ' && !(*text == 'T' && session.letters))
			return false;
		text = read_time(text + 1, end, &time);
		if (text == NULL)
			return false;
	}
	*zone = text;
	*local = days * USECS_PER_DAY + time;
	return true;
}

static inline bool
is_zulu(const char *zone, const char *end)
{
	return session.letters && end - zone == 1 && *zone == 'Z';
}

/* The zone is read and ignored, as by the input function. */
bool
bulk_parse_timestamp(const BulkColumn *column, const char *text, int len, Datum *value)
{
	const char *end = text + len;
	const char *zone;
	long int	offset;
	Timestamp	result;

	if (session.zone != session_timezone)
		use_session_zone();
	if (!read_timestamp(text, end, &result, &zone))
		return false;
	if (zone < end && !is_zulu(zone, end) && !read_offset(zone, end, &offset))
		return false;
	*value = TimestampGetDatum(result);
	if (column->typmod >= 0)
		*value = DirectFunctionCall2(timestamp_scale, *value, Int32GetDatum(column->typmod));
	return true;
}

bool
bulk_parse_timestamptz(const BulkColumn *column, const char *text, int len, Datum *value)
{
	const char *end = text + len;
	const char *zone;
	long int	offset = 0;
	Timestamp	result;

	if (session.zone != session_timezone)
		use_session_zone();
	if (!read_timestamp(text, end, &result, &zone))
		return false;
	if (zone == end)
	{
		/* Its second: without the fraction, also where that counts backwards. */
		int64		microseconds = result % USECS_PER_SEC;

		if (microseconds < 0)
			microseconds += USECS_PER_SEC;
		offset = session_offset((result - microseconds) / USECS_PER_SEC + EPOCH_SECONDS);
	}
	else if (!is_zulu(zone, end) && !read_offset(zone, end, &offset))
		return false;
	*value = TimestampTzGetDatum(result - offset * USECS_PER_SEC);
	if (column->typmod >= 0)
		*value = DirectFunctionCall2(timestamptz_scale, *value, Int32GetDatum(column->typmod));
	return true;
}

bool
bulk_parse_date(const BulkColumn *column pg_attribute_unused(), const char *text, int len,
				Datum *value)
{
	int32		days;

	if (len != DATE_LEN || !read_date(text, &days))
		return false;
	*value = DateADTGetDatum(days);
	return true;
}

bool
bulk_parse_time(const BulkColumn *column, const char *text, int len, Datum *value)
{
	int64		time;

	if (read_time(text, text + len, &time) != text + len)
		return false;
	*value = TimeADTGetDatum(time);
	if (column->typmod >= 0)
		*value = DirectFunctionCall2(time_scale, *value, Int32GetDatum(column->typmod));
	return true;
}
