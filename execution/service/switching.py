"""Kill switches and limits, one function a verb.

Durable fact of each: its row, and with FLATTEN the trades that close what is held, in the
same transaction. If we die right after, the holders find both in the database.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from execution.accounts.accounts import Arrival
from execution.domain.limits import Limits, LimitsState
from execution.domain.orders import ZERO
from execution.domain.switches import Mode, Scope
from execution.domain.trades import AccountRef, Trade
from execution.domain.words import Leg
from execution.engine.controls import LIMITS, SEEN, STOP, read_limits, write_limits
from execution.errors import BadRequest, NotFound
from execution.holding.holding import Holding
from execution.journal.rows import AccountImage, SwitchRow
from execution.journal.store import Store
from execution.journal.switch_store import Held, SwitchStore
from execution.messages import binding, messages
from execution.service import manual, owning
from protos import ids, wire
from protos.execution.v1 import execution_pb2 as pb

# What was seen is kept beside the switches, by the order.
ORDER = "order"


class Switching:
    """Sets and tells switches and limits."""

    def __init__(
        self,
        store: Store,
        switches: SwitchStore,
        holding: Holding,
        read: Callable[[], Awaitable[None]],
    ) -> None:
        self._store = store
        self._switches = switches
        self._holding = holding
        self._read = read

    async def set_switch(self, request: pb.SetSwitchRequest) -> pb.SetSwitchResponse:
        """Put a switch where it is said to be. Raises BadRequest, NotFound."""
        scope, scope_id, mode = _read_switch(request)
        whose = {Scope.TENANT: ("", scope_id), Scope.BROKER: ("",)}
        if request.tenant_id not in whose.get(scope, (request.tenant_id,)):
            raise NotFound
        arrivals: list[Arrival] = []
        async with self._switches.change() as change:
            row = await change.find(scope, scope_id, STOP)
            if row is None or row.value["mode"] != mode:
                value = {"mode": mode, "why": request.why}
                row = await change.put(scope, scope_id, STOP, value, request.set_by)
                if mode is Mode.FLATTEN:
                    held = await change.held()
                    closing = _closing(row, held, change.now, of=request.tenant_id)
                    stored = await change.add([manual.instruction(m, t) for m, t in closing])
                    arrivals = [
                        Arrival(stored[t.trade_id], t) for _, t in closing if t.trade_id in stored
                    ]
        await self._read()
        self._holding.accept([a for a in arrivals if self._holding.trades_at(a.trade.account)])
        response = pb.SetSwitchResponse(switch=await self._told(row))
        response.trade_ids.extend(a.trade.trade_id.hex for a in arrivals)
        return response

    async def forget_words(self, request: pb.ForgetWordsRequest) -> pb.ForgetWordsResponse:
        """Remove what somebody typed; what it halts stays halted."""

        def is_meant(row: SwitchRow) -> bool:
            return row.set_by in request.set_by or row.scope_id in request.scope_ids

        for row in await self._switches.after(0):
            if row.name == STOP and is_meant(row) and row.value["why"]:
                async with self._switches.change() as change:
                    now = await change.find(row.scope, row.scope_id, STOP)
                    if now is not None and is_meant(now):
                        value = {**now.value, "why": ""}
                        await change.put(now.scope, now.scope_id, STOP, value, now.set_by)
        await self._read()
        return pb.ForgetWordsResponse()

    async def list_switches(self, request: pb.ListSwitchesRequest) -> pb.ListSwitchesResponse:
        """Switches and limits as they are."""
        response, limits_of = pb.ListSwitchesResponse(), set(request.limits_of)
        for row in await self._switches.after(0):
            if limits_of and (row.name != LIMITS or row.scope_id not in limits_of):
                continue
            if row.name == LIMITS:
                response.limits.append(_limits_told(row.scope_id, read_limits(row.value)))
            elif row.name == STOP:
                looks = request.with_unprotected
                response.switches.append(await self._told(row, looks=looks))
        return response

    async def set_limits(self, request: pb.SetLimitsRequest) -> pb.SetLimitsResponse:
        """Tighten at once, loosen with the next trading day. Raises BadRequest."""
        scope_id, wanted = _id(request.connection_id), _read_limits(request.limits)
        async with self._switches.change() as change:
            row = await change.find(Scope.CONNECTION, scope_id, LIMITS)
            before = LimitsState() if row is None else read_limits(row.value)
            state = before.changed(wanted, change.now)
            if row is None or state != before:
                value = write_limits(state)
                await change.put(Scope.CONNECTION, scope_id, LIMITS, value, request.set_by)
        await self._read()
        return pb.SetLimitsResponse(state=_limits_told(scope_id, state))

    async def see_overfill(self, request: pb.SeeOverfillRequest) -> pb.SeeOverfillResponse:
        """Somebody looked at an order that was filled too much. Raises BadRequest, NotFound."""
        order_id, filled = _id(request.order_id), _filled(request.filled)
        if not request.seen_by:
            raise BadRequest("seen_by is required")
        if not await owning.has_order(self._store, UUID(hex=order_id), request.tenant_id):
            raise NotFound
        async with self._switches.change() as change:
            row = await change.find(ORDER, order_id, SEEN)
            # As much as before may have been filled anew since.
            if row is None or Decimal(row.value["filled"]) <= filled:
                value = {"filled": format(filled, "f")}
                await change.put(ORDER, order_id, SEEN, value, request.seen_by)
        await self._read()
        return pb.SeeOverfillResponse()

    async def _told(self, row: SwitchRow, *, looks: bool = True) -> pb.Switch:
        mode = Mode(row.value["mode"])
        told = pb.Switch(
            scope=binding.SCOPE[Scope(row.scope)],
            scope_id=row.scope_id,
            mode=binding.MODE[mode],
            set_by=row.set_by,
            set_time=wire.to_timestamp(row.set_at),
            why=row.value["why"],
            version=row.version,
        )
        if mode is Mode.STOP_ALL and looks:
            told.unprotected.extend(await self._unprotected(row))
        return told

    async def _unprotected(self, row: SwitchRow) -> list[pb.Unprotected]:
        """Positions in scope whose stops would not close all of them."""
        held = [
            (each, message)
            for each in await self._switches.held()
            if each.quantity and _is_in(row, message := pb.Trade.FromString(each.trade))
        ]
        refs = {each.account_id: _ref(message) for each, message in held}
        images = await self._store.images(refs) if refs else {}
        found = []
        for each, message in held:
            guarded = _guarded(images[each.account_id], each)
            if guarded < abs(each.quantity):
                found.append(
                    pb.Unprotected(
                        account=message.account,
                        tenant_id=message.tenant_id,
                        connection_id=message.connection_id,
                        subscription_id=message.subscription_id,
                        instrument=each.instrument,
                        quantity=wire.to_text(each.quantity),
                        protected_quantity=wire.to_text(guarded),
                    )
                )
        return found


def _closing(
    row: SwitchRow, held: Sequence[Held], at: datetime, *, of: str
) -> list[tuple[pb.Trade, Trade]]:
    """A trade for each subscription and instrument in scope, that closes all of it there; of
    one tenant, or of all."""
    found = []
    for each in held:
        last = pb.Trade.FromString(each.trade)
        if not _is_in(row, last) or of not in ("", last.tenant_id):
            continue
        trade_id = ids.derive(
            "flatten", row.scope, row.scope_id, row.version, each.account_id,
            each.subscription_id, each.instrument,
        )  # fmt: skip
        message = manual.closing(last, each.instrument, trade_id, at)
        message.origin = pb.ORIGIN_KILL_SWITCH
        found.append((message, messages.read_trade(message)))
    return found


def _is_in(row: SwitchRow, message: pb.Trade) -> bool:
    account = message.account
    ids_of: Mapping[str, str] = {
        Scope.PLATFORM: "",
        Scope.BROKER: ids.broker_id(account.broker, account.environment).hex,
        Scope.TENANT: message.tenant_id,
        Scope.STRATEGY: message.strategy_id,
        Scope.CONNECTION: message.connection_id,
    }
    return ids_of[row.scope] == row.scope_id


def _guarded(image: AccountImage, held: Held) -> Decimal:
    orders = (order for orders in image.orders.values() for order in orders)
    return sum(
        (
            order.leaves_qty
            for order in orders
            if order.terms.leg is Leg.STOP
            and order.is_acknowledged
            and order.terms.subscription_id == held.subscription_id
            and order.terms.instrument == held.instrument
        ),
        ZERO,
    )


def _ref(message: pb.Trade) -> AccountRef:
    account = message.account
    return AccountRef(account.broker, account.environment, account.account)


def _read_switch(request: pb.SetSwitchRequest) -> tuple[Scope, str, Mode]:
    try:
        scope, mode = binding.SCOPES[request.scope], binding.MODES[request.mode]
    except KeyError as error:
        raise BadRequest(f"unknown value {error}") from None
    if not request.set_by:
        raise BadRequest("set_by is required")
    if scope is Scope.PLATFORM:
        if request.scope_id:
            raise BadRequest("the platform has no id")
        return scope, "", mode
    return scope, _id(request.scope_id), mode


def _read_limits(message: pb.Limits) -> Limits:
    try:
        return binding.read_limits(message)
    except ValueError as error:
        raise BadRequest(str(error)) from None


def _limits_told(connection_id: str, state: LimitsState) -> pb.LimitsState:
    told = pb.LimitsState(connection_id=connection_id, now=binding.limits(state.now))
    if state.then is not None and state.then_at is not None:
        told.then.CopyFrom(binding.limits(state.then))
        told.then_time.CopyFrom(wire.to_timestamp(state.then_at))
    return told


def _filled(text: str) -> Decimal:
    try:
        filled = wire.to_decimal(text)
    except ValueError as error:
        raise BadRequest(str(error)) from None
    if filled is None or filled <= 0:
        raise BadRequest("filled must be above zero")
    return filled


def _id(text: str) -> str:
    try:
        return UUID(hex=text).hex
    except ValueError:
        raise BadRequest(f"not an id: {text!r}") from None
