-- What is added to the amount of a budget for a time. The budget itself stays as it is; nothing has to be done when one ends.
create table budget_overrides (
  id text collate "C" constraint budget_overrides_id_pkey primary key check (id like 'bov\_%'),
  -- That of the budget.
  team_id text collate "C" not null,
  budget_id text collate "C" not null constraint budget_overrides_budget_id_fkey references budgets (id),
  amount_nanos bigint not null
    constraint budget_overrides_amount_nanos_check check (amount_nanos between 1 and 9000000000000000),
  effective_from timestamptz not null,
  effective_to timestamptz not null,
  reason text not null constraint budget_overrides_reason_check check (length(reason) between 1 and 500),
  created_by text not null,
  created_at timestamptz not null,
  constraint budget_overrides_effective_to_check check (effective_to >= effective_from)
);
create index budget_overrides_budget_id on budget_overrides (budget_id, effective_to);
create index budget_overrides_team_id on budget_overrides (team_id, id);
