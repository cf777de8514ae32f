/*
 * ledger_graph.h
 *		Revisions, their graph, and plans in it: the part that knows no table.
 *
 * What is declared here decides and is pure; tags and times as targets, which
 * are looked up in the history, come in through ledger_tag.c.
 */
#ifndef LEDGER_GRAPH_H
#define LEDGER_GRAPH_H

#include "pg_purser.h"

#include "shared/arguments.h"

/* Longest revision id or label, in bytes. */
#define LEDGER_ID_MAX 64

/* Shortest prefix that stands for an id. */
#define LEDGER_PREFIX_MIN 4

/* What some editors put before a text in UTF-8. */
#define LEDGER_BYTE_ORDER_MARK "\xEF\xBB\xBF"

/* Most bytes of a text of the user's that a message quotes. */
#define LEDGER_QUOTE_MAX 100

/* Most ids that one message lists. */
#define LEDGER_LIST_MAX 10

typedef enum LedgerDirection
{
	LEDGER_UPGRADE,
	LEDGER_DOWNGRADE
} LedgerDirection;

/* ---- a revision (ledger_revision.c) ---- */

typedef struct LedgerRevision
{
	char	   *id;
	char	   *message;
	NameList	parents;
	NameList	depends_on;
	NameList	labels;
	NameList	replaces;		/* ids that this one is a squash of */
	NameList	requires;		/* preconditions, each "KIND what" */
	char	   *upgrade;
	char	   *downgrade;		/* NULL: cannot be undone */
	char	   *verify;			/* NULL: none */
	bool		transactional;	/* its statements may share one transaction */
	bool		repeatable;		/* run again whenever its text changes */
	char	   *batch;			/* how to cut it into batches, NULL: not at all */
} LedgerRevision;

extern void ledger_check_name(const char *what, const char *name);
extern const char *ledger_name_fault(const char *name);
extern void ledger_check_revision(LedgerRevision *revision);
extern bool ledger_same_revision(const LedgerRevision *a, const LedgerRevision *b);
extern bool ledger_is_reserved(const char *word);
extern bool ledger_is_directive(const char *line, const char **rest);
extern char *ledger_clean_script(const char *script);
extern char *ledger_trimmed(const char *start, const char *end);
extern const char *ledger_clipped(const char *text);
extern char *ledger_random_id(void);

/* ---- the graph (ledger_graph.c) ---- */

typedef struct LedgerNode
{
	const char *id;
	const char *file;			/* the file it is being loaded from, or NULL */
	NameList	parents;
	NameList	depends_on;
	NameList	labels;
	NameList	replaces;
	bool		applied;
	bool		irreversible;
	bool		repeatable;
	bool		changed;		/* repeatable, and its text is not what was applied */
} LedgerNode;

/*
 * Revisions in load order, and the edges to what each one needs.  The second
 * group of fields is there once ledger_graph_finish has returned, the third
 * in a graph of ledger_replace.c, where a squash stands for what it replaces.
 */
typedef struct LedgerGraph
{
	int			count;
	int			capacity;
	LedgerNode *nodes;
	int			nslots;			/* a power of two, the size of the id hash */
	int		   *slots;			/* index of a node, -1 when free */

	int		   *up_start;		/* node i needs up[up_start[i] .. up_start[i + 1] - 1]: */
	int		   *up;				/* its parents first, then what it depends on */
	int		   *order;			/* what is needed comes first; ties in load order */

	struct LedgerGraph *whole;	/* all revisions, as stored */
	struct LedgerReplacement *replacement;	/* NULL: whole is the graph itself */
	struct LedgerGraph *repeatables;	/* or NULL; its node i is nodes[count + i] here */
} LedgerGraph;

/* Indexes of nodes. */
typedef struct LedgerSet
{
	int			count;
	int		   *nodes;
} LedgerSet;

extern LedgerGraph *ledger_graph_create(int capacity);
extern LedgerNode *ledger_graph_put(LedgerGraph *graph, const LedgerNode *node);
extern void ledger_graph_finish(LedgerGraph *graph);
extern int	ledger_graph_find(const LedgerGraph *graph, const char *id);
pg_noreturn extern void ledger_report_missing(const char *id, const char *needed,
											  const char *file);
extern bool *ledger_marks(const LedgerGraph *graph, LedgerSet set);
extern void ledger_mark_needed(const LedgerGraph *graph, bool *marks);
extern void ledger_mark_needing(const LedgerGraph *graph, bool *marks);
extern LedgerSet ledger_graph_heads(const LedgerGraph *graph);
extern LedgerSet ledger_current_heads(const LedgerGraph *graph);
extern char *ledger_list_ids(const LedgerGraph *graph, LedgerSet set);

/* ---- squashes (ledger_family.c, ledger_replace.c, ledger_whole.c, ledger_record.c) ---- */

/*
 * Which squash contains what.  Numbers are indexes into the whole graph, then
 * the ids that only squashes know.
 */
typedef struct LedgerFamily
{
	const LedgerGraph *whole;
	LedgerGraph *gone;			/* node i has the number whole->count + i */
	int			count;			/* of numbers */
	int			nsquashes;
	int		   *squashes;		/* contained ones before what contains them */
	int		   *named_start;	/* squash i names named[named_start[i] .. [i + 1] - 1] */
	int		   *named;
	int		   *container;		/* the innermost squash around it, or -1 */
	int		   *kid_start;		/* squash i contains kids[kid_start[i] .. [i + 1] - 1] */
	int		   *kids;
} LedgerFamily;

/* How much of a squash is in force. */
typedef enum LedgerExtentState
{
	LEDGER_NONE,
	LEDGER_SOME,
	LEDGER_ALL
} LedgerExtentState;

/* How the nodes of a graph stand for those of the whole; by number. */
typedef struct LedgerReplacement
{
	LedgerFamily *family;
	LedgerExtentState *state;
	bool	   *complete;		/* all that the squash replaces is in the ledger */
	int		   *stands;			/* the squash in use for what this one replaces, or -1 */
	int		   *node;			/* the graph's node for it, or -1 */
	LedgerSet  *exits;			/* of a squash out of use: the graph's nodes where it ends */
	int		   *lacking;		/* kids of a squash that are not in force */
} LedgerReplacement;

extern void ledger_names_append(NameList *names, const char *name);
extern LedgerFamily *ledger_family_make(const LedgerGraph *whole);
extern int	ledger_family_find(const LedgerFamily *family, const char *id);
extern bool ledger_family_is_squash(const LedgerFamily *family, int number);
extern LedgerSet ledger_family_inside(const LedgerFamily *family, int squash);
extern LedgerGraph *ledger_replace(LedgerGraph *whole, const bool *open);
extern LedgerGraph *ledger_check_whole(const LedgerGraph *whole);
extern LedgerSet ledger_load_order(const LedgerGraph *whole);
extern bool ledger_is_inside(const LedgerGraph *whole, const char *id, const char *squash);
extern LedgerSet ledger_unrecorded(LedgerGraph *graph);
extern LedgerSet ledger_recorded_with(LedgerGraph *graph, const char *id, bool in_force);

/* ---- lineage: parents and children, not dependencies (ledger_lineage.c, ledger_labels.c) ---- */

/* The children of node i are nodes[start[i] .. start[i + 1] - 1]. */
typedef struct LedgerChildren
{
	int		   *start;
	int		   *nodes;
} LedgerChildren;

extern LedgerChildren ledger_children(const LedgerGraph *graph);
extern LedgerSet ledger_branch_points(const LedgerGraph *graph, const LedgerChildren *children);
extern bool *ledger_lineage(const LedgerGraph *graph, int node);
extern LedgerSet ledger_bases(const LedgerGraph *graph);
extern LedgerSet ledger_tips(const LedgerGraph *graph, const bool *marks, bool by_lineage);
extern LedgerSet ledger_filtered(LedgerSet set, const bool *marks);
extern NameList *ledger_held_labels(const LedgerGraph *graph, LedgerSet set);

/* ---- targets (ledger_target.c, ledger_walk.c) ---- */

/* One of: steps from where we are; the base; revisions, which are none where there is no head. */
typedef struct LedgerTarget
{
	const char *text;			/* as written */
	const bool *lineage;		/* the revisions that it is about, NULL: all */
	int			steps;			/* +N or -N; 0: not steps from where we are */
	bool		base;
	bool		lenient;		/* with fewer steps to go, as many as there are */
	LedgerSet	revisions;
	bool		is_state;		/* the set is all that was in force at some time */
} LedgerTarget;

extern LedgerTarget ledger_resolve_target(const LedgerGraph *graph, const char *text,
										  const char *hint);
extern int	ledger_resolve_revision(const LedgerGraph *graph, const char *text);
extern LedgerSet ledger_single(int node);
extern int	ledger_walk_up(const LedgerGraph *graph, const LedgerTarget *target, int start);
extern int	ledger_walk_down(const LedgerGraph *graph, const LedgerTarget *target, int start);
extern int	ledger_walk_up_from_here(const LedgerGraph *graph, const LedgerTarget *target);
extern int	ledger_walk_down_from_here(const LedgerGraph *graph, const LedgerTarget *target);

/* ---- plans (ledger_plan.c, ledger_range.c) ---- */

/* What a stamp changes. */
typedef struct LedgerStampPlan
{
	LedgerSet	add;
	LedgerSet	remove;
	bool	   *decided;		/* for each node: does the stamp say what it is? */
} LedgerStampPlan;

extern LedgerSet ledger_plan(const LedgerGraph *graph, LedgerDirection direction,
							 const char *target);
extern LedgerStampPlan ledger_plan_stamp(const LedgerGraph *graph, NameList targets,
										 const bool *also, bool purge);
extern void ledger_mark_above(const LedgerGraph *graph, const LedgerTarget *target, bool *marks);
extern LedgerTarget ledger_resolve_place(const LedgerGraph *graph, const char *text);
extern void ledger_split_range(const char *range, const char *sides[2]);
extern LedgerSet ledger_plan_range(const LedgerGraph *graph, const char *const sides[2]);
extern bool ledger_is_range(const char *text);
extern LedgerSet ledger_plan_between(LedgerGraph **graph, LedgerDirection direction,
									 const char *range);

/* ---- repeatable revisions (ledger_repeat.c) ---- */

extern LedgerSet ledger_repeat_due(const LedgerGraph *graph, LedgerSet plan, const bool *only);
extern LedgerSet ledger_repeat_undone(const LedgerGraph *graph, LedgerSet plan, const bool *goes);
extern bool *ledger_repeat_needs(const LedgerGraph *graph, bool *only);
extern LedgerSet ledger_repeat_upgrade(const LedgerGraph *graph, int repeatable);
extern LedgerSet ledger_repeat_downgrade(const LedgerGraph *graph, int repeatable);

/* ---- from a target to all steps (ledger_fit.c, ledger_route.c, ledger_history.c) ---- */

extern int	ledger_find_aside(const LedgerGraph *graph, const char *word);
extern int	ledger_resolve_any(LedgerGraph *graph, const char *text);
extern const char *ledger_replaced_by(const LedgerGraph *graph, int node);
extern LedgerGraph *ledger_fit_targets(LedgerGraph *graph, const char **targets, int count);
extern LedgerSet ledger_plan_steps(LedgerGraph **graph, LedgerDirection direction,
								   const char *target);
extern LedgerStampPlan ledger_plan_stamp_steps(LedgerGraph **graph, NameList targets, bool purge);

extern LedgerSet ledger_history_range(LedgerGraph *graph, const char *range);

#endif							/* LEDGER_GRAPH_H */
