"""What a call of a library does by its table: what it changes, keeps, draws, reads, and gives."""

from __future__ import annotations

from msgspec.structs import replace

from nbprod.flow.aliases import NOWHERE, PLAIN, Regions, Value
from nbprod.flow.effects import ANY_FILE
from nbprod.flow.tracing.arguments import Arguments, argument_at, file_name, is_false, is_none, is_true
from nbprod.flow.tracing.following import Following
from nbprod.flow.tracing.parts import TABLE
from nbprod.libraries.calls import Call, Result

_SEED_WORDS = ("random_state", "seed", "rng", "generator")
_SPREADING = frozenset(["extend", "update", "union"])
# Objects of these libraries look at what they are made of and never change it.
_LOOKERS = ("pandas.", "polars.", "ibis.", "statsmodels.", "duckdb.")
_SHALLOW = ("builtins.", "pandas.", "polars.", "numpy.", "plain")


class Applying(Following):
    """Applies the tables of the libraries."""

    def _apply(self, call: Call, arguments: Arguments, *, receiver: Value | None, name: str) -> Value:
        """What a call does by its table."""
        effects = self.effects
        if call.role is not None:
            effects.roles.append(call.role)
        if not (call.cheap or call.sets or call.seeds):
            effects.is_copyable = False
        self._apply_changes(call, arguments, receiver, name)
        self._apply_draws(call, arguments, receiver)
        if call.sets:
            self.set_state(call.sets)
        if call.seeds:
            self.seed(call.seeds)
        if call.reads_file:
            effects.reads.add(file_name(arguments) if receiver is None else ANY_FILE)
        if call.writes_file and (arguments.all or call.reads_file):
            effects.writes.add(file_name(arguments))
        returned = self._called_by(arguments, receiver)
        result = self._with_what_is_shared(self._result(call, arguments, receiver), call, arguments, receiver)
        if call.reads_file and arguments.named.keys() & {"chunksize", "iterator"}:
            result = replace(result, stays="a reader of an open file")
        self.heap.keep(result.own, returned)
        return self._with_cells(result, arguments, receiver, name)

    def _apply_changes(self, call: Call, arguments: Arguments, receiver: Value | None, name: str) -> None:
        effects = self.effects
        for changed in call.changes:
            value = receiver if changed == "self" else argument_at(arguments, changed)
            if value is None:
                continue
            is_shallow = value.type.startswith(_SHALLOW)
            reached = value.own if is_shallow else self.heap.reach(value.own) - self.heap.code.keys()
            effects.change(reached, surely=True)
        inplace = arguments.nodes.get("inplace") or arguments.nodes.get("in_place")
        if inplace is not None and receiver is not None and not is_false(inplace):
            effects.change(receiver.own, surely=True)
        if (out := arguments.named.get("out")) is not None:
            effects.change(out.own | self.heap.parts(out.own), surely=True)
        if not call.keeps:
            return
        # A receiver may be its own argument (`row.append(row)`): only the place tells holder from kept.
        holder, kept = receiver if receiver is not None else PLAIN, arguments.all
        if receiver is None and arguments.positional:
            holder, kept = arguments.positional[0], arguments.all[1:]
        if receiver is not None and receiver.type.startswith("sklearn."):
            # Estimators copy tables and may go on looking at arrays.
            seen = NOWHERE.union(
                *(one.own for one in kept if one.type not in ("pandas.DataFrame", "polars.DataFrame"))
            )
            self.heap.look_at(holder.own, seen)
            return
        for one in kept:
            self.heap.keep(holder.own, self.heap.parts(one.own) if name in _SPREADING else one.own)

    def _apply_draws(self, call: Call, arguments: Arguments, receiver: Value | None) -> None:
        given = [arguments.named[word] for word in _SEED_WORDS if word in arguments.named]
        for generator in given:
            if generator.own:
                self.effects.change(generator.own, surely=True)
        is_seeded = any(
            not is_none(arguments.nodes.get(word)) for word in _SEED_WORDS if word in arguments.named
        )
        if call.draws and not is_seeded and not (receiver is not None and receiver.seeded):
            self.draw(call.draws)

    def _called_by(self, arguments: Arguments, receiver: Value | None) -> Regions:
        """What functions return that a library calls because they are among what it is given."""
        functions = [
            one
            for one in arguments.all
            if one.type in ("function", "class", "", "instance") or one.type.startswith("builtins.")
        ]
        if receiver is not None and receiver.type.startswith(("sklearn.", "builtins.iterator")):
            functions.append(receiver)
        if not functions:
            return NOWHERE
        others = [
            one for one in (*arguments.all, *([receiver] if receiver else [])) if one.type != "function"
        ]
        among = self.heap.parts(NOWHERE.union(*(one.own for one in others)))
        if receiver is not None and receiver.type == TABLE:
            among |= self.taken_out(receiver).own
        return self._call_back(functions, among)

    def _result(self, call: Call, arguments: Arguments, receiver: Value | None) -> Value:
        base = (
            receiver if receiver is not None else (arguments.positional[0] if arguments.positional else None)
        )
        held = arguments.own | (receiver.own if receiver is not None else NOWHERE)
        is_seeded = any(word in arguments.named for word in _SEED_WORDS)
        match call.result:
            case Result.PLAIN:
                return PLAIN
            case Result.SELF:
                return base if base is not None else self.fresh_value()
            case Result.VIEW:
                return self._view(call, arguments, base)
            case Result.PART:
                # A default or the largest of several is handed back itself.
                parts = self.heap.parts(held) | arguments.own
                if receiver is None and not held:
                    return PLAIN
                return Value(own=parts, type=call.gives or self.heap.type_of(parts), stays=call.stays)
            case Result.SEVERAL:
                value = self.fresh_value()
                return replace(value, fresh_parts=True, part_type=call.gives)
            case Result.PAIRS:
                pair = self.container("builtins.tuple", self.heap.parts(held))
                return replace(self.container(call.gives, pair.own), stays=call.stays)
            case Result.HOLDS:
                return replace(self._holding(call, held), stays=call.stays, seeded=is_seeded)
            case Result.FRESH:
                region = self.heap.fresh(of_type=call.gives, closed=call.gives.startswith(_SHALLOW))
                return Value(own=frozenset([region]), type=call.gives, stays=call.stays, seeded=is_seeded)

    def _view(self, call: Call, arguments: Arguments, base: Value | None) -> Value:
        own = base.own if base is not None else NOWHERE
        if arguments.positional[1:] and call.gives != "numpy.ndarray":
            own |= {self.heap.fresh(holds=arguments.own - own)}
        return Value(own=own or frozenset([self.heap.fresh()]), type=call.gives, stays=call.stays)

    def _holding(self, call: Call, held: Regions) -> Value:
        if call.gives == "builtins.iterator" and (self.heap.type_of(held) == TABLE):
            held = self.taken_out(Value(own=held, type=TABLE)).own
            return Value(
                own=frozenset([self.heap.fresh(holds=held, closed=True, of_type=call.gives)]), type=call.gives
            )
        if call.gives.startswith(_LOOKERS):
            region = self.heap.fresh(of_type=call.gives, closed=True)
            self.heap.look_at(frozenset([region]), held)
            codes = frozenset(one for one in held if one in self.heap.code)
            self.heap.keep(frozenset([region]), codes)
        elif call.gives == "builtins.dict":
            # Pairs make values of what is inside them.
            region = self.heap.fresh(holds=self.heap.reach(held), of_type=call.gives)
        elif call.gives.startswith("builtins."):
            region = self.heap.fresh(holds=self.heap.parts(held), closed=True, of_type=call.gives)
            if call.gives == "builtins.view":
                self.heap.look_at(frozenset([region]), held)
        else:
            region = self.heap.fresh(holds=held, of_type=call.gives)
        return Value(own=frozenset([region]), type=call.gives)

    def _with_what_is_shared(
        self, result: Value, call: Call, arguments: Arguments, receiver: Value | None
    ) -> Value:
        """The result, which is what the call was told to write into, or to look at instead of copying."""
        shared = [arguments.named["out"]] if "out" in arguments.named else []
        if call.gives == "numpy.ndarray":
            shared += [value for one in call.changes if (value := argument_at(arguments, one)) is not None]
        stays = result.stays
        copies = arguments.nodes.get("copy")
        if copies is not None and not is_true(copies):
            seen = [receiver] if receiver is not None else arguments.positional[:1]
            arrays = [one for one in seen if one.type == "numpy.ndarray"]
            shared += arrays if call.gives == "pandas.DataFrame" else seen
            if arrays and call.gives == "pandas.DataFrame":
                stays = "a table that shares the memory of an array"
        own = NOWHERE.union(*(one.own for one in shared)) if shared else NOWHERE
        return replace(result, own=self.heap.collapsed(result.own | own), stays=stays) if own else result

    def _with_cells(self, result: Value, arguments: Arguments, receiver: Value | None, name: str) -> Value:
        """The result, which holds the objects in the cells of the tables that it is made of."""
        given = arguments.own | (receiver.own if receiver is not None else NOWHERE)
        tables = [
            one
            for one in sorted(given | self.heap.parts(given))
            if self.heap.types.get(one) == TABLE and one not in result.own
        ]
        if receiver is not None and receiver.type == TABLE and name in ("tolist", "to_list", "to_dict"):
            return replace(result, own=frozenset([self.heap.fresh(holds=self.heap.cells_of(receiver.own))]))
        if result.type != TABLE:
            return result
        if tables:
            self.heap.derive(result.own, tables)
        objects = self._objects_in(arguments) if receiver is None else ()
        if objects:
            self.heap.put_in_cells(result.own, objects)
        return result

    def _objects_in(self, arguments: Arguments) -> list[int]:
        """What lists and dictionaries that a table is made of hold, as far as that can change."""
        found: set[int] = set()
        for one in arguments.all:
            inside = self.heap.parts(one.own)
            found |= self.heap.parts(inside) | (NOWHERE if one.type == "builtins.dict" else inside)
        return [
            one
            for one in sorted(found)
            if self.heap.types.get(one) not in (TABLE, "numpy.ndarray", "plain") and one not in self.heap.code
        ]
