/*
 * bulk_intake.h
 *		Reading rows that may be bad, some at a time: what loads that put such
 *		rows aside have in common, in batches or by statement.
 */
#ifndef PURSER_BULK_INTAKE_H
#define PURSER_BULK_INTAKE_H

#include "bulk/bulk.h"

/* What is being done, so what an error is about. */
typedef enum BulkStage
{
	STAGE_RESUMING,				/* stepping behind a row that could not be read */
	STAGE_READING,
	STAGE_MAKING,
	STAGE_PLANNING,				/* looking at the relation, not at rows */
	STAGE_INSPECTING,			/* looking at rows before they are written */
	STAGE_WRITING,
	STAGE_FIRING
} BulkStage;

/* First in the struct of who takes the rows, so that the intake is its owner. */
typedef struct BulkIntake
{
	BulkReader *reader;
	BulkContext *context;		/* the reader's */
	BulkRejects *rejects;
	BulkStage	stage;
	bool		at_end;			/* of the input */
	ErrorData  *broken;			/* the reader has to step behind the row of this error */

	int			max_rows;
	int			nrows;			/* that were read and made */
	Size		bytes;			/* of their input */
	Size		made;			/* what they take as rows, in bytes */
	BulkEntry	entry;			/* position and raw row of the present one */
	BulkField  *fields;			/* of the present one, valid until the rows are done */

	/* The owner makes a row of the fields, and counts it; and rejects one. */
	void		(*make) (struct BulkIntake *intake);
	void		(*reject) (struct BulkIntake *intake, BulkEntry *entry,
						   const BulkField *fields, const ErrorData *error);
} BulkIntake;

extern void bulk_intake_begin(BulkIntake *intake, BulkReader *reader, BulkRejects *rejects);
extern bool bulk_intake_blames(const BulkIntake *intake);
extern void bulk_intake_fill(BulkIntake *intake);
extern void bulk_intake_failed(BulkIntake *intake, ErrorData *error);
extern void bulk_intake_release(BulkIntake *intake);

#endif							/* PURSER_BULK_INTAKE_H */
