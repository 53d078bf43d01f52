/* limits.h - every named maximum of Amber in one place.
 *
 * A limit that is reached is counted and told (law 8); none is silent. */
#ifndef AMBER_BASE_LIMITS_H
#define AMBER_BASE_LIMITS_H

#define LIMIT_ERR_TEXT	    512u	  /* bytes of one error text, with its NUL */
#define LIMIT_PATH	    4096u	  /* bytes of one path, with its NUL (PATH_MAX) */
#define LIMIT_FILE_READ	    (16u << 20)	  /* bytes of a configuration or state file */
#define LIMIT_HTTP_BODY	    (16u << 20)	  /* bytes of one answer of a container runtime */
#define LIMIT_JSON_DEPTH    64u		  /* nesting of JSON that is read or written */
#define LIMIT_JSON_NODES    (1u << 20)	  /* values and keys of one JSON text that is read */
#define LIMIT_CONTAINER_ID  128u	  /* bytes of a container id, with its NUL */
#define LIMIT_CONTAINERS    65536u	  /* containers known at once, dead ones included */
#define LIMIT_IDENTITY_TEXT (16u << 10)	  /* bytes of one text of a container's identity */
#define LIMIT_LABELS	    512u	  /* labels kept of one container */
#define LIMIT_MOUNTS	    1024u	  /* mounts kept of one container */
#define LIMIT_CGROUPS	    1024u	  /* control groups bound to one container at once */
#define LIMIT_CGROUP_WALK   65536u	  /* control groups looked at in one walk of a hierarchy */
#define LIMIT_JOBS	    8192u	  /* look-ups of containers waiting at once */
#define LIMIT_PROCESSES	    262144u	  /* processes known at once, dead ones included */
#define LIMIT_BLOCK_ROWS    65536u	  /* rows of one journal block */
#define LIMIT_BLOCK_BYTES   (64u << 20)	  /* bytes of one journal block, decompressed */
#define LIMIT_SEGMENT_BYTES (1024u << 20) /* bytes of one journal segment */
#define LIMIT_VAULT_OBJECTS (16u << 20)	  /* contents of one vault */
#define LIMIT_TEXT_BYTES    (4u << 20)	  /* bytes of one text of one event */
#define LIMIT_EVENT_BYTES   (16u << 20)	  /* bytes of all texts of one event */
#define LIMIT_SCHEMA_BYTES  (256u << 10)  /* bytes of the schema in a segment's header */
#define LIMIT_PRUNE_BYTES   (1u << 20)	  /* bytes of one block's pruning data */
#define LIMIT_SEGMENT_ROWS  (1ull << 40)  /* rows of one segment, to refuse nonsense */
#define LIMIT_SEGMENTS	    (1u << 20)	  /* segments and tombstones of one journal */
#define LIMIT_HOLDS	    4096u	  /* legal holds at once */
#define LIMIT_QUERY_GROUPS  (4u << 20)	  /* groups of one native count */
#define LIMIT_QUERY_PATTERN 4096u	  /* bytes of a pattern of LIKE or GLOB */
#define LIMIT_QUERY_TEXTS   (64u << 20)	  /* bytes of texts that the rows of a query share */
#define LIMIT_OBJECT_BYTES  (1ull << 40)  /* bytes of one vault object */
#define LIMIT_LOG_LINE	    (16u << 10)	  /* bytes kept of one log line of a container */
#define LIMIT_TABLE_TEXT    (64u << 10) /* bytes of one text of a container or process in a block */

#define LIMIT_RULES_FILE      (10u << 20) /* bytes of one file of rules */
#define LIMIT_RULES_FILES     64u	  /* files of rules loaded together */
#define LIMIT_RULES_NESTING   32u	  /* nesting of YAML in a file of rules */
#define LIMIT_RULES_NODES     (2u << 20)  /* values and keys of one file of rules */
#define LIMIT_RULES_ALIASES   1000u	  /* uses of YAML anchors in one file of rules */
#define LIMIT_RULES_ITEMS     (1u << 20)  /* list items, exception values and tags of all files */
#define LIMIT_RULES_TEXT      (64u << 20) /* bytes of all conditions with their lists put in */
#define LIMIT_RULES_TREE      (2u << 20)  /* nodes of all conditions with their macros put in */
#define LIMIT_DIAGNOSTICS     1000u /* errors and warnings kept of one load; more are counted */
#define LIMIT_CONDITION	      (16u << 20) /* bytes of one condition with its lists put in */
#define LIMIT_CONDITION_DEPTH 1000u	  /* nesting of one condition, macros included */
#define LIMIT_CONDITION_NODES (1u << 18)  /* nodes of one condition, macros included */
#define LIMIT_TRANSFORMERS    32u	  /* transformers inside of each other */
#define LIMIT_EXCEPTIONS      1024u	  /* exceptions of one rule */
#define LIMIT_OUTPUT_PIECES   1024u	  /* texts and fields of one output of a rule */
#define LIMIT_PROGRAM_STEPS   (1u << 22)  /* checks of all rules, one for each place */

#define LIMIT_DETECT_SCRATCH	(256u << 10) /* bytes that the values of one event are built in */
#define LIMIT_DETECT_ITEMS	2048u	     /* values in the lists of one event */
#define LIMIT_DETECT_PATTERN	8192u	     /* bytes of one glob or regex of a rule */
#define LIMIT_DETECT_VALUES	(1u << 20)   /* values on the right-hand side of one condition */
#define LIMIT_DETECT_MATCH	(64u << 20)  /* bytes of the right-hand side of one condition */
#define LIMIT_DETECT_PATH_DEPTH 64u	     /* components of a path of pmatch */
#define LIMIT_REGEX_DEPTH	200u	     /* nesting of a regex */
#define LIMIT_REGEX_REPEAT	1000u	     /* m and n of x{m,n}, as RE2 has it */
#define LIMIT_REGEX_SIZE	8192u	     /* instructions of a regex, repetitions written out */
#define LIMIT_REGEX_STATES	1024u	     /* states of a regex's table; above it is simulated */
#define LIMIT_ANCESTORS		64u	     /* parents that are looked at, one above the other */
#define LIMIT_LINEAGE		65536u	     /* processes whose ancestry is kept for the rules */
#define LIMIT_LINEAGE_TEXT	(4u << 10)   /* bytes kept of argv, exe or cwd of one of them */
#define LIMIT_LINEAGE_BYTES	(64u << 20)  /* bytes of all these texts */

#endif
