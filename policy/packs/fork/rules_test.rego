package maestro.packs.fork_test

import data.maestro.fixture_test as fixture

test_fork_runs_where_forks_may if fixture.passed(fixture.fork_with({}), {})

test_fork_gets_no_secret if {
	fixture.denied_by(fixture.fork_with({"secrets": ["TOKEN"]}), {}, {"fork/secret"})
	question := object.union(fixture.secret_with({"secrets": ["TOKEN"]}, "user"), {"trigger": {"isFork": true}})
	fixture.denied_by(question, {}, {"fork/secret"})
}

test_fork_gets_only_its_runners if {
	fixture.denied_by(fixture.fork_with({"runner": "gpu"}), {}, {"fork/runner"})
	fixture.denied_by(fixture.fork_with({"runner": "foo"}), {}, {"fork/runner", "base/unknown-runner"})
	fixture.passed(fixture.fork_with({"runner": "gpu"}), {"runners": {"gpu": {"forks": true}}})
	fixture.denied_by(fixture.fork_with({"runner": "gpu"}), {"runners": {"gpu": {"forks": "yes"}}}, {"fork/runner"})
}

test_what_a_fork_made_goes_nowhere if {
	every change in [{"isRollback": true}, {"isRollback": false}] {
		question := object.union(fixture.promotion_with(change), {"trigger": {"isFork": true}})
		fixture.denied_by(question, {}, {"fork/promotion"})
	}
}
