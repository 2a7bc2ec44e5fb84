package maestro.packs.secrets_test

import data.maestro.fixture_test as fixture

# Asked before the step becomes ready and again when its values are fetched.
both(change) := [fixture.step_with(change), fixture.secret_with(change, "process")]

test_secrets_stay_within_the_list if {
	listed := {"secrets": {"allow": ["TOKEN"]}}
	every question in both({"secrets": ["ANY"]}) { fixture.passed(question, {}) }
	every question in both({"secrets": ["TOKEN"]}) { fixture.passed(question, listed) }
	every question in both({"secrets": ["TOKEN", "token"]}) {
		fixture.denied_by(question, listed, {"secrets/not-allowed"})
	}
	every question in both({"secrets": ["TOKEN"]}) {
		fixture.denied_by(question, {"secrets": {"allow": []}}, {"secrets/not-allowed"})
	}
}

test_secret_stays_with_its_environment if {
	bound := {"secrets": {"environments": {"TOKEN": ["staging", "dev"]}}}
	every question in both({"secrets": ["TOKEN", "OTHER"], "environment": "dev"}) { fixture.passed(question, bound) }
	every question in both({"secrets": ["OTHER"]}) { fixture.passed(question, bound) }
	every environment in [null, "qa"] {
		every question in both({"secrets": ["TOKEN"], "environment": environment}) {
			fixture.denied_by(question, bound, {"secrets/environment"})
		}
	}
}

test_secret_stays_with_its_tag if {
	bound := {"secrets": {"tags": {"TOKEN": ["deploy", "release"]}}}
	every question in both({"secrets": ["TOKEN"], "tags": ["test", "release"]}) { fixture.passed(question, bound) }
	every question in both({"secrets": ["TOKEN"], "tags": ["test"]}) {
		fixture.denied_by(question, bound, {"secrets/tag"})
	}
}

test_runner_class_without_secrets_gets_none if {
	change := {"runners": {"linux": {"secrets": false}}}
	every question in both({"secrets": ["TOKEN"]}) { fixture.denied_by(question, change, {"secrets/runner"}) }
	every question in both({}) { fixture.passed(question, change) }
	fixture.denied_by(fixture.secret_with({"secrets": ["TOKEN"], "runner": "foo"}, "user"), {}, {"secrets/runner"})
}

test_worker_keeps_steps_apart if {
	change := {"secrets": {"isolation": ["user", "container"]}}
	fixture.passed(fixture.secret_with({"secrets": ["TOKEN"]}, "container"), change)
	fixture.passed(fixture.secret_with({"secrets": ["TOKEN"]}, null), {})
	every isolation in ["none", "process", null] {
		question := fixture.secret_with({"secrets": ["TOKEN"]}, isolation)
		fixture.denied_by(question, change, {"secrets/isolation"})
	}
	fixture.passed(fixture.step_with({"secrets": ["TOKEN"]}), change)
}

test_malformed_data_is_denied if {
	every secrets in [
		{"allow": "TOKEN"},
		{"allow": [1]},
		{"isolation": "user"},
		{"environments": ["TOKEN"]},
		{"environments": {"TOKEN": "prod"}},
		{"tags": {"TOKEN": [1]}},
	] {
		question := fixture.step_with({"secrets": ["TOKEN"]})
		fixture.denied_also_by(question, {"secrets": secrets}, "secrets/malformed-data")
	}
}
