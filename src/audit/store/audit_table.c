/*
 * audit_table.c
 *		A hash table of fixed capacity that can live at any address.
 *
 * The server's own tables either hold pointers or need memory of their own;
 * this one is one block of bytes, so it serves in the main shared memory, in
 * a segment that each backend maps elsewhere, and in a backend's own memory.
 * Keys are the first bytes of an entry, compared as bytes. The caller locks.
 */
#include "audit/store/audit_store.h"

#include "common/hashfn.h"

#define NO_ENTRY (-1)

typedef struct Header
{
	int			next;			/* in its bucket, or in the list of free ones */
	bool		used;
} Header;

struct AuditTable
{
	int			capacity;
	int			nbuckets;		/* a power of two */
	int			first_free;
	int			used;
	Size		key_size;
	Size		stride;			/* bytes from one header to the next */
	uint64		evicted;
	int			buckets[FLEXIBLE_ARRAY_MEMBER];
};

static int
buckets_for(int capacity)
{
	int			n = 16;

	while (n < capacity)
		n *= 2;
	return n;
}

static Size
stride_for(Size entry_size)
{
	return MAXALIGN(sizeof(Header)) + MAXALIGN(entry_size);
}

static Size
entries_offset(int nbuckets)
{
	return MAXALIGN(offsetof(AuditTable, buckets) + sizeof(int) * nbuckets);
}

static inline Header *
header_at(AuditTable *table, int position)
{
	return (Header *) ((char *) table + entries_offset(table->nbuckets) +
					   table->stride * position);
}

static inline void *
entry_of(Header *header)
{
	return (char *) header + MAXALIGN(sizeof(Header));
}

static inline int *
bucket_of(AuditTable *table, const void *key)
{
	uint32		hash = hash_bytes(key, (int) table->key_size);

	return &table->buckets[hash & (table->nbuckets - 1)];
}

Size
audit_table_size(int capacity, Size entry_size)
{
	return entries_offset(buckets_for(capacity)) + stride_for(entry_size) * capacity;
}

void
audit_table_init(AuditTable *table, int capacity, Size key_size, Size entry_size)
{
	table->capacity = capacity;
	table->nbuckets = buckets_for(capacity);
	table->key_size = key_size;
	table->stride = stride_for(entry_size);
	audit_table_clear(table);
}

void
audit_table_clear(AuditTable *table)
{
	table->evicted = 0;
	table->used = 0;
	table->first_free = 0;
	for (int i = 0; i < table->nbuckets; i++)
		table->buckets[i] = NO_ENTRY;
	for (int i = 0; i < table->capacity; i++)
	{
		header_at(table, i)->used = false;
		header_at(table, i)->next = i + 1 < table->capacity ? i + 1 : NO_ENTRY;
	}
}

void *
audit_table_find(AuditTable *table, const void *key)
{
	int			position = *bucket_of(table, key);

	while (position != NO_ENTRY)
	{
		Header	   *header = header_at(table, position);

		if (memcmp(entry_of(header), key, table->key_size) == 0)
			return entry_of(header);
		position = header->next;
	}
	return NULL;
}

/* A new entry with this key and zeros behind it; NULL when the table is full. */
void *
audit_table_insert(AuditTable *table, const void *key)
{
	int		   *bucket = bucket_of(table, key);
	int			position = table->first_free;
	Header	   *header;
	char	   *entry;

	if (position == NO_ENTRY)
		return NULL;
	header = header_at(table, position);
	table->first_free = header->next;
	table->used++;
	header->next = *bucket;
	header->used = true;
	*bucket = position;
	entry = entry_of(header);
	memset(entry, 0, table->stride - MAXALIGN(sizeof(Header)));
	memcpy(entry, key, table->key_size);
	return entry;
}

static void
remove_at(AuditTable *table, int position)
{
	Header	   *header = header_at(table, position);
	int		   *link = bucket_of(table, entry_of(header));

	while (*link != position)
		link = &header_at(table, *link)->next;
	*link = header->next;
	header->used = false;
	header->next = table->first_free;
	table->first_free = position;
	table->used--;
}

typedef struct Ranked
{
	int			position;
	double		usefulness;
} Ranked;

static int
compare_ranked(const void *a, const void *b)
{
	double		left = ((const Ranked *) a)->usefulness;
	double		right = ((const Ranked *) b)->usefulness;

	return left < right ? -1 : (left > right ? 1 : 0);
}

/*
 * Makes room: a twentieth of the entries goes, the least useful first. Each
 * bargain for one entry alone would cost the same walk.
 */
void
audit_table_evict(AuditTable *table, double (*usefulness) (const void *entry))
{
	Ranked	   *ranked = palloc_extended(sizeof(Ranked) * table->capacity, MCXT_ALLOC_NO_OOM);
	int			n = 0;
	int			victims;

	if (ranked == NULL)
		return;
	for (int i = 0; i < table->capacity; i++)
	{
		if (!header_at(table, i)->used)
			continue;
		ranked[n].position = i;
		ranked[n++].usefulness = usefulness(entry_of(header_at(table, i)));
	}
	qsort(ranked, n, sizeof(Ranked), compare_ranked);
	victims = Min(n, Max(1, table->capacity / 20));
	for (int i = 0; i < victims; i++)
		remove_at(table, ranked[i].position);
	table->evicted += victims;
	pfree(ranked);
}

/* The next entry in use from *position on, which it moves; NULL at the end. */
void *
audit_table_next(AuditTable *table, int *position)
{
	while (*position < table->capacity)
	{
		Header	   *header = header_at(table, (*position)++);

		if (header->used)
			return entry_of(header);
	}
	return NULL;
}

void
audit_table_fill(const AuditTable *table, int64 *used, int64 *capacity, int64 *evicted)
{
	*used = table->used;
	*capacity = table->capacity;
	*evicted = (int64) table->evicted;
}
