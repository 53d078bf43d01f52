/* program.c - see program.h.  Children are laid down from the last to the first, so that where a
 * child goes on is known when it is laid down. */
#include "detect/program.h"

#include "base/grow.h"
#include "base/limits.h"

/* One node that is being laid down. */
struct frame {
	uint32_t node;
	uint32_t kids, left; /* its children: where in the pile, and how many are still to come */
	uint32_t kid_n;
	int32_t holds, fails; /* where the node goes on */
	int32_t start;	      /* of the child that was laid down last */
	bool negated, opened;
};

/* The walk over one condition; recursion would follow the nesting of a file. */
struct layer {
	struct program *p;
	const struct condition *c;
	struct frame *frames;
	size_t n, cap;
	uint32_t *kids; /* children of the opened frames */
	size_t kid_n, kid_cap;
	int32_t start; /* of what was laid down last */
};

void program_init(struct program *p)
{
	*p = (struct program){.n = 0};
	intern_init(&p->texts);
}

void program_fini(struct program *p)
{
	free(p->steps);
	free(p->checks);
	intern_fini(&p->texts);
	*p = (struct program){.n = 0};
}

static int check_number(struct program *p, const struct condition *c, uint32_t node,
			uint32_t *ret_number, struct err *e)
{
	AUTO(buf) struct buf text;
	size_t before = p->texts.n;
	int r;

	buf_init(&text, (size_t)2 * LIMIT_CONDITION);
	condition_print_node(&text, c, node);
	r = buf_check(&text, "a check of a rule", e);
	if (r < 0)
		return r;
	if (!GROW(p->checks, before, p->check_cap) ||
	    intern_get(&p->texts, buf_span(&text), ret_number) < 0)
		return err_set(e, ENOMEM, "no memory for the rules");
	if (p->texts.n > before)
		p->checks[*ret_number] = (struct program_check){c, node};
	return 0;
}

static int lay_check(struct layer *l, const struct frame *f, struct err *e)
{
	struct program_step step = {.negated = f->negated, .holds = f->holds, .fails = f->fails};
	int r = check_number(l->p, l->c, f->node, &step.check, e);

	if (r < 0)
		return r;
	if (l->p->n >= LIMIT_PROGRAM_STEPS)
		return err_set(e, E2BIG, "the rules have more than %u checks", LIMIT_PROGRAM_STEPS);
	if (!GROW(l->p->steps, l->p->n, l->p->cap))
		return err_set(e, ENOMEM, "no memory for the rules");
	l->start = (int32_t)l->p->n;
	l->p->steps[l->p->n++] = step;
	return 0;
}

static int push(struct layer *l, const struct frame *f, struct err *e)
{
	if (l->n > LIMIT_CONDITION_DEPTH)
		return err_set(e, E2BIG, "a condition is nested too deep");
	if (!GROW(l->frames, l->n, l->cap))
		return err_set(e, ENOMEM, "no memory for the rules");
	l->frames[l->n++] = *f;
	return 0;
}

static int open_frame(struct layer *l, struct frame *f, struct err *e)
{
	f->opened = true;
	f->kids = (uint32_t)l->kid_n;
	cond_each (child, l->c, f->node) {
		if (!GROW(l->kids, l->kid_n, l->kid_cap))
			return err_set(e, ENOMEM, "no memory for the rules");
		l->kids[l->kid_n++] = child;
	}
	f->left = f->kid_n = (uint32_t)(l->kid_n - f->kids);
	return 0;
}

/* The frame of the next child of an `and` or `or`. */
static struct frame next_kid(const struct layer *l, struct frame *f)
{
	bool all = (l->c->nodes[f->node].kind == COND_AND) != f->negated;
	bool last = f->left == f->kid_n;
	struct frame kid = {.node = l->kids[f->kids + --f->left],
			    .negated = f->negated,
			    .holds = f->holds,
			    .fails = f->fails};

	if (!last && all)
		kid.holds = f->start;
	else if (!last)
		kid.fails = f->start;
	return kid;
}

/* Goes one step on; the frame on top is done when it is popped. */
static int step(struct layer *l, struct err *e)
{
	struct frame *f = &l->frames[l->n - 1], kid;
	const struct cond_node *node = &l->c->nodes[f->node];
	int r = 0;

	if (node->kind == COND_NOT) {
		f->node = node->first;
		f->negated = !f->negated;
		return 0;
	}
	if (node->kind == COND_CHECK) {
		r = lay_check(l, f, e);
		l->n--;
		return r;
	}
	if (!f->opened)
		r = open_frame(l, f, e);
	else
		f->start = l->start;
	if (r < 0)
		return r;
	if (f->left == 0) {
		l->kid_n = f->kids;
		l->n--;
		return 0;
	}
	kid = next_kid(l, f);
	return push(l, &kid, e);
}

int program_add(struct program *p, const struct condition *condition, int32_t *ret_start,
		struct err *e)
{
	struct layer l = {.p = p, .c = condition};
	int r = push(&l,
		     &(struct frame){
			     .node = condition->root, .holds = PROGRAM_HIT, .fails = PROGRAM_MISS},
		     e);

	while (r == 0 && l.n)
		r = step(&l, e);
	free(l.frames);
	free(l.kids);
	if (r == 0)
		*ret_start = l.start;
	return r;
}
